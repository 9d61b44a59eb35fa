/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <stdio.h>
#include <unistd.h>
#include <gio/gunixsocketaddress.h>
#include <glib-unix.h>
#include <glib/gstdio.h>
#include <kube/kube.h>

/* A whole cluster in one process: options, one KubeCluster, one main loop, an exit code. */

enum { EXIT_GOOD = 0, EXIT_FAILED = 1, EXIT_USAGE = 2 };

typedef struct {
  char *data_dir, *kubeconfig, *bind_address, *runtime, *node_name, *disable, *service_cidr, *cluster_cidr, *cluster_dns, *cluster_domain, *logging_format;
  int port, nodes, verbosity;
  gboolean clean_up, check, version;
} Options;

static void
options_clear (Options *o)
{
  char *texts[] = { o->data_dir, o->kubeconfig, o->bind_address, o->runtime, o->node_name, o->disable, o->service_cidr, o->cluster_cidr, o->cluster_dns,
                    o->cluster_domain, o->logging_format };

  for (guint i = 0; i < G_N_ELEMENTS (texts); i++)
    g_free (texts[i]);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Options, options_clear)

static gboolean
parse (Options *o, int *argc, char ***argv, GError **error)
{
  const GOptionEntry entries[] = {
    { "data-dir", 0, 0, G_OPTION_ARG_FILENAME, &o->data_dir, "Where the cluster keeps what must survive", "DIR" },
    { "write-kubeconfig", 0, 0, G_OPTION_ARG_FILENAME, &o->kubeconfig, "Where to write the administrator's kubeconfig", "FILE" },
    { "bind-address", 0, 0, G_OPTION_ARG_STRING, &o->bind_address, "Address that the API server listens on (0.0.0.0)", "IP" },
    { "secure-port", 0, 0, G_OPTION_ARG_INT, &o->port, "Its port (6443)", "PORT" },
    { "runtime", 0, 0, G_OPTION_ARG_STRING, &o->runtime, "oci: real containers on this machine; sim: simulated nodes (oci)", "oci|sim" },
    { "nodes", 0, 0, G_OPTION_ARG_INT, &o->nodes, "How many simulated nodes (1)", "N" },
    { "node-name", 0, 0, G_OPTION_ARG_STRING, &o->node_name, "Name of this machine's node (the host's name)", "NAME" },
    { "disable", 0, 0, G_OPTION_ARG_STRING, &o->disable, "Components not to run: kube-controller-manager, kube-scheduler, kubelet", "NAME,…" },
    { "service-cluster-ip-range", 0, 0, G_OPTION_ARG_STRING, &o->service_cidr, "Addresses of services (10.96.0.0/16)", "CIDR" },
    { "cluster-cidr", 0, 0, G_OPTION_ARG_STRING, &o->cluster_cidr, "Addresses of pods (10.244.0.0/16)", "CIDR" },
    { "cluster-dns", 0, 0, G_OPTION_ARG_STRING, &o->cluster_dns, "Address of the cluster's DNS server (10.96.0.10)", "IP" },
    { "cluster-domain", 0, 0, G_OPTION_ARG_STRING, &o->cluster_domain, "Domain of the cluster (cluster.local)", "NAME" },
    { "cleanup", 0, 0, G_OPTION_ARG_NONE, &o->clean_up, "Remove every trace of this cluster's node from the machine, then exit", NULL },
    { "check", 0, 0, G_OPTION_ARG_NONE, &o->check, "Say what this machine lacks, then exit", NULL },
    { "logging-format", 0, 0, G_OPTION_ARG_STRING, &o->logging_format, "text or json (text)", "FORMAT" },
    { "verbosity", 'v', 0, G_OPTION_ARG_INT, &o->verbosity, "How much to log (0)", "N" },
    { "version", 0, 0, G_OPTION_ARG_NONE, &o->version, "Print the version, then exit", NULL },
    { NULL }
  };
  g_autoptr (GOptionContext) context = g_option_context_new (NULL);

  g_option_context_set_summary (context, "Runs a whole Kubernetes cluster in one process.");
  g_option_context_add_main_entries (context, entries, NULL);
  return g_option_context_parse (context, argc, argv, error);
}

static gboolean
check_usage (const Options *o, int argc, char **argv, GError **error)
{
  if (argc > 1)
    g_set_error (error, G_OPTION_ERROR, G_OPTION_ERROR_FAILED, "unknown argument \"%s\"", argv[1]);
  else if (o->port < 1 || o->port > 65535)
    g_set_error (error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE, "--secure-port %d is not a port", o->port);
  else if (o->nodes < 1 || o->nodes > 10000)
    g_set_error (error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE, "--nodes %d is not between 1 and 10000", o->nodes);
  else if (o->data_dir == NULL && !o->check)
    g_set_error_literal (error, G_OPTION_ERROR, G_OPTION_ERROR_FAILED, "--data-dir is required");
  else
    return TRUE;
  return FALSE;
}

/* sd_notify(3), without its library. */
static void
notify (const char *state)
{
  const char *path = g_getenv ("NOTIFY_SOCKET");
  g_autoptr (GSocketAddress) address = NULL;
  g_autoptr (GSocket) socket = NULL;

  if (path == NULL || *path == '\0')
    return;
  address = *path == '@' ? g_unix_socket_address_new_with_type (path + 1, -1, G_UNIX_SOCKET_ADDRESS_ABSTRACT) : g_unix_socket_address_new (path);
  socket = g_socket_new (G_SOCKET_FAMILY_UNIX, G_SOCKET_TYPE_DATAGRAM, G_SOCKET_PROTOCOL_DEFAULT, NULL);
  if (socket != NULL)
    g_socket_send_to (socket, address, state, strlen (state), NULL, NULL);
}

static gboolean
write_kubeconfig (KubeCluster *cluster, const char *path, GError **error)
{
  g_autofree char *text = kube_cluster_dup_kubeconfig (cluster), *folder = g_path_get_dirname (path), *there = NULL;

  /* at a restart it is there: no sync of the disk for it */
  if (g_file_get_contents (path, &there, NULL, NULL) && strcmp (there, text) == 0)
    return TRUE;
  if (g_mkdir_with_parents (folder, 0755) != 0) {
    g_set_error (error, G_FILE_ERROR, g_file_error_from_errno (errno), "%s: %s", folder, g_strerror (errno));
    return FALSE;
  }
  return g_file_set_contents_full (path, text, -1, G_FILE_SET_CONTENTS_CONSISTENT, 0600, error);
}

static gboolean
quit (gpointer loop)
{
  g_main_loop_quit (loop);
  return G_SOURCE_CONTINUE;
}

static gboolean
run (const Options *o, GError **error)
{
  g_auto (GStrv) disabled = o->disable == NULL ? NULL : g_strsplit (o->disable, ",", -1);
  g_autofree char *default_kubeconfig = g_build_filename (o->data_dir, "kubeconfig", NULL);
  const char *kubeconfig = o->kubeconfig == NULL ? default_kubeconfig : o->kubeconfig;
  const char *host = o->bind_address == NULL || strcmp (o->bind_address, "0.0.0.0") == 0 ? "127.0.0.1" : o->bind_address;
  const KubeClusterOptions options = {
    .data_dir = o->data_dir,
    .serve = TRUE,
    .bind_address = o->bind_address,
    .secure_port = o->port,
    .runtime = o->runtime == NULL ? "oci" : o->runtime,
    .nodes = o->nodes,
    .node_name = o->node_name,
    .disabled = (const char *const *) disabled,
    .service_cidr = o->service_cidr,
    .cluster_cidr = o->cluster_cidr,
    .cluster_dns = o->cluster_dns,
    .cluster_domain = o->cluster_domain,
  };
  g_autoptr (GMainLoop) loop = g_main_loop_new (NULL, FALSE);
  g_autoptr (KubeCluster) cluster = kube_cluster_new (&options, error);

  if (cluster == NULL || !write_kubeconfig (cluster, kubeconfig, error))
    return FALSE;
  g_unix_signal_add (SIGTERM, quit, loop);
  g_unix_signal_add (SIGINT, quit, loop);
  printf ("ready https://%s:%d (kubeconfig %s)\n", host, kube_cluster_get_port (cluster), kubeconfig);
  fflush (stdout);
  notify ("READY=1");
  g_main_loop_run (loop);
  notify ("STOPPING=1");
  kube_cluster_stop (cluster);
  return TRUE;
}

static int
report_check (const Options *o)
{
  g_auto (GStrv) problems = kube_cluster_check_host (o->runtime == NULL ? "oci" : o->runtime, o->bind_address, o->port);

  for (guint i = 0; problems[i] != NULL; i++)
    printf ("%s\n", problems[i]);
  if (problems[0] == NULL)
    printf ("this machine has all that kube-all needs\n");
  return problems[0] == NULL ? EXIT_GOOD : EXIT_FAILED;
}

static gboolean
run_or_clean_up (const Options *o, GError **error)
{
  return o->clean_up ? kube_cluster_clean_up (o->data_dir, error) : run (o, error);
}

int
main (int argc, char **argv)
{
  g_auto (Options) o = { .port = 6443, .nodes = 1 };
  g_autoptr (GError) error = NULL;

  if (!parse (&o, &argc, &argv, &error)) {
    g_printerr ("kube-all: %s\n", error->message);
    return EXIT_USAGE;
  }
  if (o.version) {
    printf ("kube-all %s (Kubernetes %s)\n", kube_get_version (), kube_get_kubernetes_version ());
    return EXIT_GOOD;
  }
  if (!check_usage (&o, argc, argv, &error)) {
    g_printerr ("kube-all: %s\nTry kube-all --help.\n", error->message);
    return EXIT_USAGE;
  }
  kube_log_init (g_strcmp0 (o.logging_format, "json") == 0 ? KUBE_LOG_FORMAT_JSON : KUBE_LOG_FORMAT_TEXT, o.verbosity);
  if (o.check)
    return report_check (&o);
  if (!o.clean_up && geteuid () != 0 && g_strcmp0 (o.runtime, "sim") != 0) {
    g_printerr ("kube-all: real containers need root: run it as root, or with --runtime sim\n");
    return EXIT_FAILED;
  }
  if (!run_or_clean_up (&o, &error)) {
    g_printerr ("kube-all: %s\n", error->message);
    return EXIT_FAILED;
  }
  return EXIT_GOOD;
}
