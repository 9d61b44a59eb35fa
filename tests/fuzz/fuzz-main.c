/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <glib.h>

#include "fuzz.h"

/* Runs the seeds in a folder, each cut off at every one of some places as well: a fuzz target without a fuzzer. */

static void
run (const guint8 *data, gsize size)
{
  /* A copy of just this size, so that the address sanitizer sees what reads past the end. */
  guint8 *exact = g_memdup2 (data, size);

  LLVMFuzzerTestOneInput (exact, size);
  g_free (exact);
}

static void
run_seed (const char *path)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *data = NULL;
  gsize size;

  if (!g_file_get_contents (path, &data, &size, &error))
    g_error ("%s", error->message);
  for (gsize cut = 0; cut < size; cut += 1 + size / 64)
    run ((const guint8 *) data, cut);
  run ((const guint8 *) data, size);
}

int
main (int argc, char **argv)
{
  g_autoptr (GError) error = NULL;
  guint n = 0;

  for (int i = 1; i < argc; i++) {
    g_autoptr (GDir) folder = g_dir_open (argv[i], 0, &error);
    const char *name;

    if (folder == NULL)
      g_error ("%s", error->message);
    while ((name = g_dir_read_name (folder)) != NULL) {
      g_autofree char *path = g_build_filename (argv[i], name, NULL);

      run_seed (path);
      n++;
    }
  }
  g_print ("%u seeds\n", n);
  return n > 0 ? 0 : 1;
}
