/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kube-operation.h"

#define MAX_CLAUSES 64
#define MEDIA_TYPES "application/json, application/yaml, " KUBE_PROTOBUF_TYPE

typedef struct {
  const char *type;    /* "application/json" */
  const char *as, *group, *version;
  gboolean pretty;
  double quality;
} Clause;

static void
read_parameter (Clause *clause, char *text)
{
  char *equals = strchr (text, '=');
  char *name = g_strstrip (text), *value;

  if (equals == NULL)
    return;
  *equals = '\0';
  name = g_strstrip (name);
  value = g_strstrip (equals + 1);
  if (g_str_equal (name, "q"))
    clause->quality = g_ascii_strtod (value, NULL);
  else if (g_str_equal (name, "as"))
    clause->as = value;
  else if (g_str_equal (name, "g"))
    clause->group = value;
  else if (g_str_equal (name, "v"))
    clause->version = value;
  else if (g_str_equal (name, "pretty"))
    clause->pretty = g_str_equal (value, "1") || g_str_equal (value, "true");
}

static int
compare_quality (const void *a, const void *b)
{
  double x = ((const Clause *) a)->quality, y = ((const Clause *) b)->quality;
  return (y > x) - (y < x);
}

/* The clauses of an Accept header, best first; they point into @text, which is cut up. */
static GArray *
parse_accept (char *text)
{
  GArray *clauses = g_array_new (FALSE, TRUE, sizeof (Clause));
  char *rest_of_clauses = NULL;

  for (char *part = strtok_r (text, ",", &rest_of_clauses); part != NULL && clauses->len < MAX_CLAUSES; part = strtok_r (NULL, ",", &rest_of_clauses)) {
    Clause clause = { .as = "", .group = "", .version = "", .quality = 1 };
    char *rest = NULL, *type = strtok_r (part, ";", &rest);
    if (type == NULL)
      continue;
    clause.type = g_strstrip (type);
    for (char *parameter = strtok_r (NULL, ";", &rest); parameter != NULL; parameter = strtok_r (NULL, ";", &rest))
      read_parameter (&clause, parameter);
    g_array_append_val (clauses, clause);
  }
  /* qsort need not be stable: g_array_sort() is */
  g_array_sort (clauses, compare_quality);
  return clauses;
}

static gboolean
find_media (const char *type, KubeMedia *media)
{
  if (g_str_equal (type, "application/json") || g_str_equal (type, "*/*") || g_str_equal (type, "application/*")) {
    *media = KUBE_MEDIA_JSON;
    return TRUE;
  }
  if (g_str_equal (type, KUBE_PROTOBUF_TYPE)) {
    *media = KUBE_MEDIA_PROTOBUF;
    return TRUE;
  }
  if (g_str_equal (type, "application/yaml")) {
    *media = KUBE_MEDIA_YAML;
    return TRUE;
  }
  return FALSE;
}

/* Kinds that are made at run time have none. */
static gboolean
has_messages (KubeKind *kind)
{
  return kind->type != NULL && kind->type->n_wire > 0;
}

/* @kind: (nullable): NULL where there is only one form. */
static gboolean
find_form (const Clause *clause, KubeMedia media, KubeKind *kind, KubeForm *form)
{
  if (*clause->as == '\0') {
    *form = KUBE_FORM_OBJECT;
    return media != KUBE_MEDIA_PROTOBUF || kind == NULL || has_messages (kind);
  }
  if (kind == NULL || !g_str_equal (clause->group, "meta.k8s.io") || !(g_str_equal (clause->version, "v1") || g_str_equal (clause->version, "v1beta1")))
    return FALSE;
  if (g_str_equal (clause->as, "Table")) {
    *form = KUBE_FORM_TABLE;
    return !kind->not_stored && media != KUBE_MEDIA_PROTOBUF;
  }
  if (g_str_equal (clause->as, "PartialObjectMetadata") || g_str_equal (clause->as, "PartialObjectMetadataList")) {
    *form = KUBE_FORM_PARTIAL;
    return TRUE;
  }
  return FALSE;
}

static void
read_presentation (KubeOperation *op)
{
  const char *include = kube_call_get_query (op->call, "includeObject");

  op->pretty = kube_operation_get_flag (op, "pretty");
  if (g_strcmp0 (include, "None") == 0)
    op->include = KUBE_INCLUDE_NONE;
  else if (g_strcmp0 (include, "Object") == 0)
    op->include = KUBE_INCLUDE_OBJECT;
}

gboolean
kube_operation_negotiate (KubeOperation *op, gboolean forms, GError **error)
{
  const char *accept = kube_call_get_header (op->call, "Accept");
  g_autofree char *text = g_strdup (accept);
  g_autoptr (GArray) clauses = NULL;
  gboolean any_media = FALSE;

  read_presentation (op);
  if (accept == NULL || *accept == '\0' || g_str_equal (accept, "application/json"))
    return TRUE;
  clauses = parse_accept (text);
  for (guint i = 0; i < clauses->len; i++) {
    const Clause *clause = &g_array_index (clauses, Clause, i);
    if (!find_media (clause->type, &op->media))
      continue;
    any_media = TRUE;
    if (!find_form (clause, op->media, forms ? op->kind : NULL, &op->form))
      continue;
    op->pretty |= clause->pretty;
    return TRUE;
  }
  if (any_media)
    g_set_error_literal (error, KUBE_ERROR, KUBE_ERROR_NOT_ACCEPTABLE, "only the following media types are accepted: " MEDIA_TYPES);
  else
    g_set_error_literal (error, KUBE_ERROR, KUBE_ERROR_NOT_ACCEPTABLE, "406: Not Acceptable\n\nAvailable representations: " MEDIA_TYPES);
  op->media = KUBE_MEDIA_JSON;
  return FALSE;
}

gboolean
kube_operation_accepts_as (KubeOperation *op, const char *as, const char *group, const char *version)
{
  g_autofree char *text = g_strdup (kube_call_get_header (op->call, "Accept"));
  g_autoptr (GArray) clauses = NULL;

  if (text == NULL)
    return FALSE;
  clauses = parse_accept (text);
  for (guint i = 0; i < clauses->len; i++) {
    const Clause *clause = &g_array_index (clauses, Clause, i);
    KubeMedia media;
    if (!find_media (clause->type, &media))
      continue;
    if (*clause->as == '\0')
      return FALSE;
    if (g_str_equal (clause->as, as) && g_str_equal (clause->group, group) && g_str_equal (clause->version, version))
      return TRUE;
  }
  return FALSE;
}
