/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <kube/kube-config.h>

G_BEGIN_DECLS

/* A program that says who one is (client.authentication.k8s.io). */
typedef struct {
  char *command;
  char **args; /* (nullable) */
  char **env;  /* (nullable): NAME=value */
  char *api_version;
  char *install_hint; /* (nullable) */
  gboolean provide_cluster_info;
} KubeConfigExec;

struct _KubeConfig {
  gatomicrefcount refs;

  char *server;
  char *namespace_;      /* (nullable) */
  char *ca_pem;          /* (nullable): NULL: the system's authorities */
  gboolean insecure;     /* the server's certificate is not checked */
  char *tls_server_name; /* (nullable) */
  char *proxy_url;       /* (nullable) */

  char *certificate_pem; /* (nullable) */
  char *key_pem;         /* (nullable) */
  char *token;           /* (nullable) */
  char *token_file;      /* (nullable): counts more than token; it changes */
  char *username;        /* (nullable) */
  char *password;        /* (nullable) */
  KubeConfigExec *exec;  /* (owned) (nullable) */

  char *impersonate_user;       /* (nullable) */
  char *impersonate_uid;        /* (nullable) */
  char **impersonate_groups;    /* (nullable) */
  KubeValue *impersonate_extra; /* (owned) (nullable): name -> values */
};

/* @folder: where a service account is mounted in a pod. */
KubeConfig *kube_config_new_from_service_account (const char *folder, const char *host, const char *port, GError **error);
/* Files of one configuration, merged; @explicit_: the file must be there. For tests and the fuzzer. */
KubeConfig *kube_config_load_files (const char *const *paths, gboolean explicit_, const char *context, GError **error);
/* The text of one file, whose relative paths begin at @folder. */
KubeConfig *kube_config_parse (const char *text, gssize length, const char *folder, const char *context, GError **error);

G_END_DECLS
