/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The front over TLS: bench-kube-front [FOLDER [PODS [WATCHERS]]]. How long a LIST of all pods takes and what memory the server needs for it, and how long a write takes to
 * the last of many watchers, each with a connection of its own. The server is a process of its own, so that each side has all descriptors that a process may have. */
#include <kube/kube-cluster.h>

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <gnutls/gnutls.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

typedef struct {
  gnutls_certificate_credentials_t credentials;
  guint16 port;
  pid_t pid;
} Target;

typedef struct {
  gnutls_session_t tls;
  int fd;
  guint round; /* the last one whose event came */
} Peer;

typedef struct {
  KubeClient *client;
  GMainLoop *loop;
  guint next, n, done;
} Filling;

static void fill_next (Filling *filling);

static void
on_created (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Filling *filling = user_data;
  g_autoptr (GError) error = NULL;
  g_autoptr (KubeResponse) response = kube_client_send_finish (KUBE_CLIENT (source), result, &error);

  if (response == NULL)
    g_error ("%s", error->message);
  fill_next (filling);
  if (++filling->done == filling->n)
    g_main_loop_quit (filling->loop);
}

static void
fill_next (Filling *filling)
{
  g_autofree char *text = NULL;
  g_autoptr (KubeObject) pod = NULL;
  g_autoptr (KubeRequest) request = NULL;

  if (filling->next == filling->n)
    return;
  text = g_strdup_printf (
    "{\"apiVersion\":\"v1\",\"kind\":\"Pod\",\"metadata\":{\"name\":\"pod-%06u\",\"namespace\":\"default\",\"labels\":{\"app\":\"load\",\"tier\":\"backend\"}},"
    "\"spec\":{\"schedulerName\":\"nobody\",\"automountServiceAccountToken\":false,\"containers\":[{\"name\":\"main\",\"image\":\"registry.example/app:1.2.3\","
    "\"args\":[\"--listen=:8080\",\"--log-level=info\"],\"env\":[{\"name\":\"POD_NAME\",\"valueFrom\":{\"fieldRef\":{\"fieldPath\":\"metadata.name\"}}}],"
    "\"ports\":[{\"name\":\"http\",\"containerPort\":8080}],\"resources\":{\"requests\":{\"cpu\":\"100m\",\"memory\":\"64Mi\"}},"
    "\"livenessProbe\":{\"httpGet\":{\"path\":\"/healthz\",\"port\":\"http\"}},\"readinessProbe\":{\"httpGet\":{\"path\":\"/ready\",\"port\":\"http\"}}}]}}",
    filling->next++);
  pod = kube_object_parse (text, -1, NULL);
  request = kube_request_new (KUBE_VERB_CREATE, KUBE_KIND ("v1", "Pod"), "default", NULL);
  kube_request_set_object (request, pod);
  kube_client_send_async (filling->client, request, NULL, on_created, filling);
}

static gnutls_datum_t
decode_member (const char *kubeconfig, const char *name)
{
  const char *at = strstr (kubeconfig, name) + strlen (name) + 1;
  g_autofree char *text = NULL;
  gsize length;

  at += strspn (at, " \"");
  text = g_strndup (at, strcspn (at, "\"\n"));
  g_base64_decode_inplace (text, &length);
  return (gnutls_datum_t) { (unsigned char *) g_steal_pointer (&text), (unsigned int) length };
}

static void
target_init (Target *target, const char *kubeconfig)
{
  const char *url = strstr (kubeconfig, "https://127.0.0.1:");
  gnutls_datum_t certificate = decode_member (kubeconfig, "client-certificate-data"), key = decode_member (kubeconfig, "client-key-data");

  gnutls_certificate_allocate_credentials (&target->credentials);
  if (gnutls_certificate_set_x509_key_mem (target->credentials, &certificate, &key, GNUTLS_X509_FMT_PEM) < 0)
    g_error ("the kubeconfig has no usable certificate");
  target->port = (guint16) atoi (url + strlen ("https://127.0.0.1:"));
  g_free (certificate.data);
  g_free (key.data);
}

static void
peer_ask (Peer *peer, const char *method, const char *path, const char *body)
{
  g_autofree char *request = g_strdup_printf ("%s %s HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/merge-patch+json\r\nContent-Length: %zu\r\n\r\n%s", method, path,
                                              strlen (body), body);

  if (gnutls_record_send (peer->tls, request, strlen (request)) < 0)
    g_error ("the front hung up");
}

static void
peer_open (Peer *peer, const Target *target)
{
  struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons (target->port), .sin_addr.s_addr = htonl (INADDR_LOOPBACK) };
  int one = 1, rc;

  peer->fd = socket (AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (peer->fd < 0 || connect (peer->fd, (struct sockaddr *) &address, sizeof address) != 0)
    g_error ("cannot connect: %s", g_strerror (errno));
  setsockopt (peer->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  gnutls_init (&peer->tls, GNUTLS_CLIENT);
  gnutls_set_default_priority (peer->tls);
  gnutls_credentials_set (peer->tls, GNUTLS_CRD_CERTIFICATE, target->credentials);
  gnutls_transport_set_int (peer->tls, peer->fd);
  do
    rc = gnutls_handshake (peer->tls);
  while (rc < 0 && !gnutls_error_is_fatal (rc));
  if (rc < 0)
    g_error ("no handshake: %s", gnutls_strerror (rc));
}

static void
peer_close (Peer *peer)
{
  gnutls_deinit (peer->tls);
  close (peer->fd);
}

static gssize
peer_read (Peer *peer, char *buffer, gsize size)
{
  gssize got;

  do
    got = gnutls_record_recv (peer->tls, buffer, size);
  while (got == GNUTLS_E_INTERRUPTED);
  return got;
}

static guint64
anonymous_bytes (const Target *target)
{
  g_autofree char *path = g_strdup_printf ("/proc/%d/status", (int) target->pid), *status = NULL;
  const char *line;

  if (!g_file_get_contents (path, &status, NULL, NULL))
    return 0;
  line = strstr (status, "RssAnon:");
  return line != NULL ? g_ascii_strtoull (line + 8 + strspn (line + 8, " \t"), NULL, 10) * 1024 : 0;
}

static void
bench_list (const Target *target)
{
  g_autofree char *buffer = g_malloc (65536);
  guint64 bytes = 0, before = anonymous_bytes (target), most = before;
  gint64 began, first = 0, looked = 0;
  char tail[8] = "";
  Peer peer = { 0 };

  peer_open (&peer, target);
  began = g_get_monotonic_time ();
  peer_ask (&peer, "GET", "/api/v1/pods", "");
  while (!g_str_has_suffix (tail, "\r\n0\r\n\r\n")) {
    gssize got = peer_read (&peer, buffer, 65536);

    if (got <= 0)
      g_error ("the list broke off: %s", gnutls_strerror ((int) got));
    if (first == 0)
      first = g_get_monotonic_time ();
    bytes += (guint64) got;
    if (got >= 7)
      memcpy (tail, buffer + got - 7, 7);
    if (g_get_monotonic_time () - looked > 10000) {
      looked = g_get_monotonic_time ();
      most = MAX (most, anonymous_bytes (target));
    }
  }
  g_print ("list over TLS: %.1f MB, first byte %.1f ms, whole %.0f ms, %.1f MB more memory\n", bytes / 1e6, (first - began) / 1e3,
           (g_get_monotonic_time () - began) / 1e3, (most - before) / 1e6);
  peer_close (&peer);
}

static void
write_map (Peer *writer, guint round)
{
  g_autofree char *text = g_strdup_printf ("{\"data\":{\"round\":\"%u\"}}", round);

  peer_ask (writer, "PATCH", "/api/v1/namespaces/default/configmaps/watched", text);
}

/* Until each peer got something. */
static void
wait_for_all (int epoll, guint n, guint round)
{
  struct epoll_event events[256];
  static char buffer[65536];
  guint seen = 0;

  while (seen < n) {
    int ready = epoll_wait (epoll, events, G_N_ELEMENTS (events), -1);

    for (int i = 0; i < ready; i++) {
      Peer *peer = events[i].data.ptr;
      gssize got = peer_read (peer, buffer, sizeof buffer);

      if (got == GNUTLS_E_AGAIN)
        continue;
      if (got <= 0)
        g_error ("a watch broke off: %s", gnutls_strerror ((int) got));
      if (peer->round < round) {
        peer->round = round;
        seen++;
      }
    }
  }
}

static int
compare (gconstpointer a, gconstpointer b)
{
  return (*(const gint64 *) a > *(const gint64 *) b) - (*(const gint64 *) a < *(const gint64 *) b);
}

static void
bench_watches (const Target *target, guint n)
{
  enum { ROUNDS = 21 };
  g_autofree Peer *peers = g_new0 (Peer, n);
  gint64 last[ROUNDS], began = g_get_monotonic_time ();
  guint64 before = anonymous_bytes (target);
  int epoll = epoll_create1 (EPOLL_CLOEXEC);
  Peer writer = { 0 };
  char buffer[4096];

  for (guint i = 0; i < n; i++) {
    struct epoll_event event = { .events = EPOLLIN, .data.ptr = &peers[i] };

    peer_open (&peers[i], target);
    peer_ask (&peers[i], "GET", "/api/v1/namespaces/default/configmaps?watch=true&fieldSelector=metadata.name%3Dwatched", "");
    if (peer_read (&peers[i], buffer, sizeof buffer) <= 0)
      g_error ("a watch did not begin");
    fcntl (peers[i].fd, F_SETFL, O_NONBLOCK);
    epoll_ctl (epoll, EPOLL_CTL_ADD, peers[i].fd, &event);
  }
  g_print ("%u watchers: connected in %.1f s, the server takes %.1f KB for each\n", n, (g_get_monotonic_time () - began) / 1e6,
           ((double) anonymous_bytes (target) - before) / 1e3 / n);
  while (epoll_wait (epoll, &(struct epoll_event) { 0 }, 1, 100) > 0)
    wait_for_all (epoll, n, 1); /* what was there when they began */
  peer_open (&writer, target);
  for (guint i = 0; i < ROUNDS; i++) {
    began = g_get_monotonic_time ();
    write_map (&writer, i);
    wait_for_all (epoll, n, i + 2);
    last[i] = g_get_monotonic_time () - began;
    if (peer_read (&writer, buffer, sizeof buffer) <= 0)
      g_error ("a write was not answered");
  }
  peer_close (&writer);
  qsort (last, ROUNDS, sizeof last[0], compare);
  g_print ("a write to the last of %u watchers: p50 %.2f ms, worst %.2f ms\n", n, last[ROUNDS / 2] / 1e3, last[ROUNDS - 1] / 1e3);
  for (guint i = 0; i < n; i++)
    peer_close (&peers[i]);
  close (epoll);
}

static void
make (KubeClient *client, const char *text)
{
  g_autoptr (KubeObject) object = kube_object_parse (text, -1, NULL);
  g_autoptr (KubeObject) made = kube_client_create (client, object, NULL);
}

/* The other process: a cluster with @n_pods pods, whose kubeconfig goes to @out. */
static int
serve (const char *folder, guint n_pods, int out)
{
  static const char *const disabled[] = { "kube-controller-manager", "kube-scheduler", "kubelet", NULL };
  const KubeClusterOptions options = { .data_dir = folder, .disabled = disabled, .serve = TRUE, .bind_address = "127.0.0.1" };
  g_autoptr (GError) error = NULL;
  g_autoptr (KubeCluster) cluster = kube_cluster_new (&options, &error);
  g_autofree char *kubeconfig = NULL;
  Filling filling;

  if (cluster == NULL) {
    g_printerr ("%s\n", error->message);
    return 1;
  }
  filling = (Filling) { .client = kube_cluster_get_client (cluster), .loop = g_main_loop_new (NULL, FALSE), .n = n_pods };
  make (filling.client, "{\"apiVersion\":\"v1\",\"kind\":\"ServiceAccount\",\"metadata\":{\"name\":\"default\",\"namespace\":\"default\"}}");
  make (filling.client, "{\"apiVersion\":\"v1\",\"kind\":\"ConfigMap\",\"metadata\":{\"name\":\"watched\",\"namespace\":\"default\"}}");
  for (guint i = 0; i < 64; i++)
    fill_next (&filling);
  g_main_loop_run (filling.loop);
  kubeconfig = kube_cluster_dup_kubeconfig (cluster);
  if (write (out, kubeconfig, strlen (kubeconfig)) < 0)
    return 1;
  close (out);
  g_main_loop_run (filling.loop);
  return 0;
}

int
main (int argc, char **argv)
{
  g_autofree char *folder = argc > 1 ? g_strdup (argv[1]) : g_dir_make_tmp ("bench-kube-front-XXXXXX", NULL);
  guint n_pods = argc > 2 ? (guint) atoi (argv[2]) : 150000, n_watchers = argc > 3 ? (guint) atoi (argv[3]) : 10000;
  char kubeconfig[16384] = "";
  gsize length = 0;
  gssize got;
  struct rlimit limit;
  Target target = { 0 };
  int ends[2];

  getrlimit (RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  setrlimit (RLIMIT_NOFILE, &limit);
  if (pipe (ends) != 0)
    return 1;
  target.pid = fork ();
  if (target.pid == 0) {
    close (ends[0]);
    return serve (folder, n_pods, ends[1]);
  }
  close (ends[1]);
  while ((got = read (ends[0], kubeconfig + length, sizeof kubeconfig - 1 - length)) > 0)
    length += (gsize) got;
  if (length == 0)
    return 1;
  target_init (&target, kubeconfig);
  for (guint i = 0; i < 3; i++)
    bench_list (&target);
  bench_watches (&target, 1);
  bench_watches (&target, 1000);
  bench_watches (&target, n_watchers);
  gnutls_certificate_free_credentials (target.credentials);
  kill (target.pid, SIGTERM);
  waitpid (target.pid, NULL, 0);
  return 0;
}
