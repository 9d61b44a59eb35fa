/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A Deployment from its creation to its last pod: in a cluster of this very process, or, given a kubeconfig, in any other. */
#include <stdio.h>
#include <kube/kube.h>

static const char manifest[] =
  "apiVersion: apps/v1\n"
  "kind: Deployment\n"
  "metadata: {name: web, namespace: default}\n"
  "spec:\n"
  "  replicas: 3\n"
  "  selector: {matchLabels: {app: web}}\n"
  "  template:\n"
  "    metadata: {labels: {app: web}}\n"
  "    spec: {containers: [{name: web, image: 'localhost/web:1'}]}\n";

static void
on_updated (KubeInformer *deployments, KubeObject *old, KubeObject *web, gpointer loop)
{
  gint64 ready = kube_object_get_integer (web, "status.readyReplicas", 0);

  if (ready != kube_object_get_integer (old, "status.readyReplicas", 0))
    printf ("%s: %d of 3 pods are ready\n", kube_object_get_name (web), (int) ready);
  if (ready == 3)
    g_main_loop_quit (loop);
}

static gboolean
run (KubeClient *client, GError **error)
{
  g_autoptr (GMainLoop) loop = g_main_loop_new (NULL, FALSE);
  g_autoptr (KubeInformer) deployments = kube_informer_new (client, KUBE_KIND ("apps/v1", "Deployment"), "default");
  g_autoptr (KubeObject) web = kube_object_parse (manifest, -1, error);
  g_autoptr (KubeObject) made = web == NULL ? NULL : kube_client_create (client, web, error);
  g_autoptr (KubeObjectList) pods = NULL;

  if (made == NULL)
    return FALSE;
  g_signal_connect (deployments, "updated", G_CALLBACK (on_updated), loop);
  kube_informer_start (deployments);
  g_main_loop_run (loop);

  pods = kube_client_list (client, KUBE_KIND ("v1", "Pod"), "default", "app=web", error);
  for (guint i = 0; pods != NULL && i < kube_object_list_get_length (pods); i++) {
    KubeObject *pod = kube_object_list_get (pods, i);

    printf ("%s runs on %s\n", kube_object_get_name (pod), kube_object_get_string (pod, "spec.nodeName"));
  }
  return pods != NULL && kube_client_delete (client, KUBE_KIND ("apps/v1", "Deployment"), "default", "web", error);
}

int
main (int argc, char **argv)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (KubeCluster) cluster = argc > 1 ? NULL : kube_cluster_new (NULL, &error);
  g_autoptr (KubeConfig) config = argc > 1 ? kube_config_load (argv[1], NULL, &error) : NULL;
  g_autoptr (KubeClient) client = cluster != NULL ? g_object_ref (kube_cluster_get_client (cluster)) : config != NULL ? kube_http_client_new (config, &error) : NULL;

  if (client == NULL || !run (client, &error)) {
    g_printerr ("deployment: %s\n", error->message);
    return 1;
  }
  return 0;
}
