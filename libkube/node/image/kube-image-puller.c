/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kube-image-puller.h"

#include "kube-image-private.h"
#include "runtime/kube-spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PARALLEL 4
#define MAX_OUTPUT (64 * 1024)

struct _KubeImagePuller {
  KubeImageStore *store; /* (owned) */
  char *scratch;         /* (owned) */
  GThreadPool *workers;  /* (owned) */
};

typedef struct {
  KubeImagePuller *puller;
  char *name, *auth;
} Pull;

static void
pull_free (Pull *pull)
{
  g_free (pull->name);
  g_free (pull->auth);
  g_free (pull);
}

/* skopeo logs `time="…" level=fatal msg="…"`. */
static char *
parse_message (const char *output)
{
  const char *message = g_strrstr (output, "msg=\"");

  if (message == NULL)
    return g_strstrip (g_strdup (*output != '\0' ? output : "skopeo failed"));
  const char *end = strrchr (message, '"');
  g_autofree char *quoted = g_strndup (message + 5, end > message + 5 ? end - message - 5 : 0);
  return g_strcompress (quoted);
}

static gboolean
run_skopeo (const char *const *argv, GError **error)
{
  g_autoptr (GString) output = g_string_new (NULL);
  int pipe_fds[2], pidfd;
  char buffer[4096];
  ssize_t n;

  if (pipe2 (pipe_fds, O_CLOEXEC) < 0) {
    g_set_error (error, KUBE_ERROR, KUBE_ERROR_INTERNAL, "pipe: %s", g_strerror (errno));
    return FALSE;
  }
  KubeSpawn spawn = { .argv = argv, .stdio = { -1, -1, pipe_fds[1] }, .extra = -1, .mount_namespace = -1 };
  int pid = kube_spawn (&spawn, &pidfd, error);
  close (pipe_fds[1]);
  while (pid > 0 && (n = read (pipe_fds[0], buffer, sizeof buffer)) > 0) {
    if (output->len < MAX_OUTPUT)
      g_string_append_len (output, buffer, n);
  }
  close (pipe_fds[0]);
  if (pid < 0)
    return FALSE;
  if (kube_spawn_wait (pidfd) == 0)
    return TRUE;
  g_autofree char *message = parse_message (output->str);
  g_set_error_literal (error, KUBE_ERROR, KUBE_ERROR_INTERNAL, message);
  return FALSE;
}

static char *
write_auth (const char *folder, const char *auth)
{
  g_autofree char *path = g_build_filename (folder, "auth.json", NULL);

  if (auth == NULL || !g_file_set_contents_full (path, auth, -1, G_FILE_SET_CONTENTS_NONE, 0600, NULL))
    return NULL;
  return g_steal_pointer (&path);
}

static KubeImage *
pull (KubeImagePuller *puller, const char *text, const char *auth, const char *folder, GError **error)
{
  g_autofree char *skopeo = g_find_program_in_path ("skopeo");
  g_autoptr (KubeImageName) name = kube_image_name_parse (text, error);
  g_autofree char *layout = g_build_filename (folder, "layout", NULL);
  g_autofree char *auth_file = write_auth (folder, auth);
  g_autoptr (GPtrArray) argv = g_ptr_array_new ();

  if (name == NULL)
    return NULL;
  if (skopeo == NULL) {
    g_set_error_literal (error, KUBE_ERROR, KUBE_ERROR_NOT_FOUND, "skopeo is not installed: images cannot be pulled");
    return NULL;
  }
  g_autofree char *tag = name->digest != NULL ? g_steal_pointer (&name->tag) : NULL; /* skopeo takes one or the other */
  g_autofree char *full = kube_image_name_print (name);
  g_autofree char *from = g_strconcat ("docker://", full, NULL);
  g_autofree char *to = g_strconcat ("dir:", layout, NULL);
  g_ptr_array_add (argv, skopeo);
  g_ptr_array_add (argv, (gpointer) "copy");
  if (auth_file != NULL) {
    g_ptr_array_add (argv, (gpointer) "--src-authfile");
    g_ptr_array_add (argv, auth_file);
  }
  /* as containerd: a registry on this machine speaks HTTP */
  if (g_str_has_prefix (name->domain, "localhost") || g_str_has_prefix (name->domain, "127."))
    g_ptr_array_add (argv, (gpointer) "--src-tls-verify=false");
  g_ptr_array_add (argv, from);
  g_ptr_array_add (argv, to);
  g_ptr_array_add (argv, NULL);
  if (!run_skopeo ((const char *const *) argv->pdata, error))
    return NULL;
  g_autofree char *digest = kube_image_source_adopt_folder (layout, error);
  if (digest == NULL)
    return NULL;
  /* the name by which the registry's content is known for good */
  g_autofree char *known_as = g_strdup_printf ("%s/%s@%s", name->domain, name->path,
                                               name->digest != NULL ? name->digest : digest);
  return kube_image_store_import_full (puller->store, layout, text, known_as, error);
}

static void
work (gpointer data, gpointer user_data)
{
  g_autoptr (GTask) task = data;
  Pull *job = g_task_get_task_data (task);
  g_autofree char *folder = g_build_filename (job->puller->scratch, "pull-XXXXXX", NULL);
  GError *error = NULL;
  KubeImage *image = NULL;

  g_mkdir_with_parents (job->puller->scratch, 0700);
  if (g_mkdtemp (folder) == NULL)
    g_set_error (&error, KUBE_ERROR, KUBE_ERROR_INTERNAL, "%s: %s", folder, g_strerror (errno));
  else {
    image = pull (job->puller, job->name, job->auth, folder, &error);
    kube_folder_remove (folder, NULL);
  }
  if (image != NULL)
    g_task_return_pointer (task, image, (GDestroyNotify) kube_image_unref);
  else
    g_task_return_error (task, error);
}

KubeImagePuller *
kube_image_puller_new (KubeImageStore *store, const char *data_dir)
{
  KubeImagePuller *puller = g_new0 (KubeImagePuller, 1);

  puller->store = g_object_ref (store);
  puller->scratch = g_build_filename (data_dir, "images", "tmp", NULL);
  puller->workers = g_thread_pool_new (work, NULL, PARALLEL, FALSE, NULL);
  return puller;
}

void
kube_image_puller_free (KubeImagePuller *puller)
{
  g_thread_pool_free (puller->workers, FALSE, TRUE);
  g_object_unref (puller->store);
  g_free (puller->scratch);
  g_free (puller);
}

void
kube_image_puller_pull_async (KubeImagePuller *puller, const char *name, const char *auth, GCancellable *cancellable,
                              GAsyncReadyCallback callback, gpointer user_data)
{
  GTask *task = g_task_new (NULL, cancellable, callback, user_data);
  Pull *job = g_new0 (Pull, 1);

  job->puller = puller;
  job->name = g_strdup (name);
  job->auth = g_strdup (auth);
  g_task_set_source_tag (task, kube_image_puller_pull_async);
  g_task_set_task_data (task, job, (GDestroyNotify) pull_free);
  g_thread_pool_push (puller->workers, task, NULL);
}

KubeImage *
kube_image_puller_pull_finish (GAsyncResult *result, GError **error)
{
  return g_task_propagate_pointer (G_TASK (result), error);
}
