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

static void
check_programs (GPtrArray *missing)
{
  static const struct {
    const char *program, *package, *use;
  } programs[] = {
    { "crun", "crun", "runs containers" },
    { "conmon", "conmon", "keeps containers' streams and logs" },
    { "skopeo", "skopeo", "pulls images; without it only imported ones can run" },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (programs); i++) {
    g_autofree char *path = g_find_program_in_path (programs[i].program);
    if (path == NULL)
      g_ptr_array_add (missing, g_strdup_printf ("%s is not installed (%s): apt-get install %s", programs[i].program,
                                                 programs[i].use, programs[i].package));
  }
}

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
  static const char *const namespaces[] = { "net", "ipc", "uts", "mnt", "pid" };

  for (gsize i = 0; i < G_N_ELEMENTS (namespaces); i++) {
    g_autofree char *path = g_build_filename ("/proc/self/ns", namespaces[i], NULL);
    if (access (path, F_OK) < 0)
      g_ptr_array_add (missing,
                       g_strdup_printf ("the kernel has no %s namespaces: use one built with CONFIG_NAMESPACES", namespaces[i]));
  }
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

  if (geteuid () != 0)
    g_ptr_array_add (missing, g_strdup ("this is not root: run it as root, or with --runtime sim"));
  check_programs (missing);
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
