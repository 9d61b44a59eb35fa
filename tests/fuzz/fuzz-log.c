/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "fuzz.h"
#include "runtime/kube-container-log.h"

/* Two bytes say how a log is to be read, the others are the log's file as something has left it. */
static gsize
read_all (const char *path, const KubeLogOptions *options)
{
  g_autoptr (GInputStream) stream = kube_container_log_open (path, options, -1, NULL);
  char block[4096];
  gssize n;
  gsize total = 0;

  FUZZ_CHECK (stream != NULL);
  while ((n = g_input_stream_read (stream, block, sizeof block, NULL, NULL)) > 0)
    total += n;
  FUZZ_CHECK (n == 0);
  return total;
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  if (size < 2)
    return 0;
  KubeLogOptions options = {
    .timestamps = data[0] & 1,
    .since_time = data[0] & 2 ? G_GINT64_CONSTANT (1700000000) * G_USEC_PER_SEC : -1,
    .tail_lines = data[0] & 4 ? data[1] % 8 : -1,
    .limit_bytes = data[0] & 8 ? data[1] : -1,
    .stream = data[0] & 16 ? "Stderr" : NULL,
  };
  int file = memfd_create ("log", MFD_CLOEXEC);
  g_autofree char *path = g_strdup_printf ("/proc/self/fd/%d", file);
  g_autofree char *tail = NULL;

  FUZZ_CHECK (file >= 0 && write (file, data + 2, size - 2) == (ssize_t) size - 2);
  tail = kube_container_log_read_tail (path, data[1] % 8, data[1]);
  FUZZ_CHECK (strlen (tail) <= data[1]);
  gsize n = read_all (path, &options);
  FUZZ_CHECK (options.limit_bytes < 0 || n <= (gsize) options.limit_bytes);
  close (file);
  return 0;
}
