/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <kube/kube-image-store.h>
#include <locale.h>
#include <string.h>

static char *data_dir;

static const GOptionEntry options[] = {
  { "data-dir", 0, 0, G_OPTION_ARG_FILENAME, &data_dir, "Data directory of the node", "DIR" },
  { NULL },
};

static int
report (GError *error)
{
  g_printerr ("kube-image: %s\n", error->message);
  return 1;
}

static int
import_image (KubeImageStore *store, const char *path, const char *name)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (KubeImage) image = kube_image_store_import (store, path, name, &error);

  if (image == NULL)
    return report (error);
  g_print ("%s\n", kube_image_get_id (image));
  return 0;
}

static int
list_images (KubeImageStore *store)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GPtrArray) images = kube_image_store_list (store, &error);

  if (images == NULL)
    return report (error);
  for (guint i = 0; i < images->len; i++) {
    KubeImage *image = g_ptr_array_index (images, i);
    g_autofree char *size = g_format_size (kube_image_get_size (image));
    for (const char *const *name = kube_image_get_names (image); *name != NULL; name++)
      g_print ("%-60s %.19s %s\n", *name, kube_image_get_id (image), size);
  }
  return 0;
}

static int
remove_image (KubeImageStore *store, const char *name)
{
  g_autoptr (GError) error = NULL;

  return kube_image_store_remove (store, name, &error) ? 0 : report (error);
}

int
main (int argc, char **argv)
{
  g_autoptr (GOptionContext) context = g_option_context_new ("import PATH NAME | list | remove NAME");
  g_autoptr (GError) error = NULL;

  setlocale (LC_ALL, "");
  g_option_context_add_main_entries (context, options, NULL);
  g_option_context_set_summary (context, "Container images of a node. PATH is an OCI layout (folder or tar) or a docker archive.");
  if (!g_option_context_parse (context, &argc, &argv, &error))
    return report (error) + 1;
  g_autoptr (KubeImageStore) store = kube_image_store_new (data_dir != NULL ? data_dir : "/var/lib/kube");
  if (argc == 4 && g_str_equal (argv[1], "import"))
    return import_image (store, argv[2], argv[3]);
  if (argc == 2 && g_str_equal (argv[1], "list"))
    return list_images (store);
  if (argc == 3 && g_str_equal (argv[1], "remove"))
    return remove_image (store, argv[2]);
  g_autofree char *help = g_option_context_get_help (context, TRUE, NULL);
  g_printerr ("%s", help);
  return 2;
}
