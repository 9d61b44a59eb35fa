/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <kube/kube-node-agent.h>

#include "runtime/kube-cgroup.h"

#include <errno.h>
#include <sched.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <linux/netlink.h>
#include <string.h>
#include <unistd.h>

static gboolean
has_filesystem (const char *name)
{
  g_autofree char *text = NULL;
  g_autofree char *line = g_strdup_printf ("\t%s\n", name);

  return g_file_get_contents ("/proc/filesystems", &text, NULL, NULL) && strstr (text, line) != NULL;
}

static void
check_kernel (GPtrArray *missing)
{
  if (!has_filesystem ("overlay"))
    g_ptr_array_add (missing, g_strdup ("overlayfs is not in the kernel: modprobe overlay"));
  int fd = socket (AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_NETFILTER);
  if (fd < 0)
    g_ptr_array_add (missing, g_strdup_printf ("nftables cannot be reached (%s): modprobe nf_tables", g_strerror (errno)));
  else
    close (fd);
}

static void
check_cgroups (GPtrArray *missing)
{
  g_autofree char *text = NULL;

  switch (kube_cgroup_get_mode ()) {
  case KUBE_CGROUP_NONE:
    g_ptr_array_add (missing, g_strdup ("no cgroups at /sys/fs/cgroup: mount -t cgroup2 none /sys/fs/cgroup"));
    return;
  case KUBE_CGROUP_V2:
    if (!g_file_get_contents ("/sys/fs/cgroup/cgroup.controllers", &text, NULL, NULL))
      return;
    for (const char *const *name = (const char *const[]){ "cpu", "memory", "pids", NULL }; *name != NULL; name++) {
      if (strstr (text, *name) == NULL)
        g_ptr_array_add (
          missing,
          g_strdup_printf (
            "the cgroup controller %s is off: limits of it will not hold (cgroup_enable=%s on the kernel's command line)", *name,
            *name));
    }
    return;
  case KUBE_CGROUP_V1:
  case KUBE_CGROUP_HYBRID:
    for (const char *const *name = (const char *const[]){ "cpu", "memory", "pids", "devices", NULL }; *name != NULL; name++) {
      g_autofree char *path = g_build_filename ("/sys/fs/cgroup", *name, NULL);
      if (access (path, F_OK) < 0)
        g_ptr_array_add (missing, g_strdup_printf ("the cgroup controller %s is not mounted: mount -t cgroup -o %s cgroup %s",
                                                   *name, *name, path));
    }
  }
}

/**
 * kube_node_check_host:
 *
 * Looks for what a node with real containers needs: root, programs, kernel features, cgroups.
 *
 * Returns: (transfer full) (array zero-terminated=1): a line for each thing that is missing, with what to do about it
 * Since: 1.0
 */
GStrv
kube_node_check_host (void)
{
  GPtrArray *missing = g_ptr_array_new ();
  g_autoptr (GError) error = NULL;
  g_autofree char *skopeo = g_find_program_in_path ("skopeo");

  if (!kube_runtime_oci_check (&error))
    g_ptr_array_add (missing, g_strdup (error->message));
  if (skopeo == NULL)
    g_ptr_array_add (missing, g_strdup ("skopeo is not installed (pulls images; without it only imported ones can run): apt-get install skopeo"));
  check_kernel (missing);
  check_cgroups (missing);
  g_ptr_array_add (missing, NULL);
  return (GStrv) g_ptr_array_free (missing, FALSE);
}

/**
 * kube_node_clean_up:
 * @data_dir: a data directory on which no agent is at work
 * @bridge: (nullable): the bridge's name; %NULL: the default
 * @error: return location
 *
 * Removes what a node of @data_dir left on this host: processes, cgroups, mounts, namespaces, links, the nftables table, pods' files. Images and the
 * cluster's data stay.
 *
 * Returns: whether nothing is left
 * Since: 1.0
 */
gboolean
kube_node_clean_up (const char *data_dir, const char *bridge, GError **error)
{
  g_autoptr (KubeNetwork) network = kube_network_bridge_new (bridge);

  return kube_runtime_oci_clean_up (data_dir, error) && kube_network_clean_up (network, error);
}
