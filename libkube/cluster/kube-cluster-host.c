/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>
#include <gio/gio.h>
#include <kube/kube-cluster.h>
#include <kube/kube-node-agent.h>

/* What a cluster needs of its machine, and what it leaves there. */

static void
check_port (GPtrArray *problems, const char *address, guint16 port)
{
  g_autoptr (GSocketAddress) at = g_inet_socket_address_new_from_string (address == NULL ? "0.0.0.0" : address, port);
  g_autoptr (GSocket) socket = NULL;
  g_autoptr (GError) error = NULL;

  if (at == NULL) {
    g_ptr_array_add (problems, g_strdup_printf ("%s is not an address: use one of this machine's for --bind-address", address));
    return;
  }
  socket = g_socket_new (g_socket_address_get_family (at), G_SOCKET_TYPE_STREAM, G_SOCKET_PROTOCOL_TCP, &error);
  if (socket == NULL || !g_socket_bind (socket, at, TRUE, &error) || !g_socket_listen (socket, &error))
    g_ptr_array_add (problems, g_strdup_printf ("port %u cannot be used (%s): choose another with --secure-port", port, error->message));
}

/**
 * kube_cluster_check_host:
 * @runtime: "oci" or "sim"
 * @address: (nullable): that the server shall listen on
 * @port: its port
 *
 * Says what this machine lacks for a cluster, each with what to do about it.
 *
 * Returns: (transfer full) (array zero-terminated=1): the problems, a line each; empty where there are none
 * Since: 1.0
 */
GStrv
kube_cluster_check_host (const char *runtime, const char *address, guint16 port)
{
  GPtrArray *problems = g_ptr_array_new ();

  check_port (problems, address, port);
  if (strcmp (runtime, "oci") == 0) {
    g_auto (GStrv) missing = kube_node_check_host ();

    for (guint i = 0; missing[i] != NULL; i++)
      g_ptr_array_add (problems, g_strdup (missing[i]));
  }
  g_ptr_array_add (problems, NULL);
  return (GStrv) g_ptr_array_free (problems, FALSE);
}

/**
 * kube_cluster_clean_up:
 * @data_dir: of a cluster that does not run
 * @error: return location
 *
 * Ends the containers of a data directory and removes their mounts, links, network namespaces, firewall rules and cgroups, and nothing else. The objects, keys and images
 * stay. A directory that holds none of that is no error.
 *
 * Returns: whether all is gone
 * Since: 1.0
 */
gboolean
kube_cluster_clean_up (const char *data_dir, GError **error)
{
  return kube_node_clean_up (data_dir, NULL, error);
}
