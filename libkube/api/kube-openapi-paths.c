/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kube-openapi-private.h"

#include <string.h>

/* What can be done at one path. `action` and `operation` are the words of x-kubernetes-action and of the operation's id. */
typedef struct {
  KubeVerb verb;
  const char *method, *action, *operation;
} Verb;

static const Verb object_verbs[] = {
  { KUBE_VERB_GET, "get", "get", "read" },
  { KUBE_VERB_UPDATE, "put", "put", "replace" },
  { KUBE_VERB_DELETE, "delete", "delete", "delete" },
  { KUBE_VERB_PATCH, "patch", "patch", "patch" },
};
static const Verb collection_verbs[] = {
  { KUBE_VERB_LIST, "get", "list", "list" },
  { KUBE_VERB_CREATE, "post", "post", "create" },
  { KUBE_VERB_DELETE_COLLECTION, "delete", "deletecollection", "deleteCollection" },
};
static const Verb subresource_verbs[] = {
  { KUBE_VERB_GET, "get", "get", "read" },        { KUBE_VERB_UPDATE, "put", "put", "replace" },
  { KUBE_VERB_CREATE, "post", "post", "create" }, { KUBE_VERB_DELETE, "delete", "delete", "delete" },
  { KUBE_VERB_PATCH, "patch", "patch", "patch" },
};

/* One operation. */
typedef struct {
  KubeKind *kind;             /* whose resource the path is in */
  const KubeSubresource *sub; /* (nullable) */
  const Verb *verb;
  const KubeType *type; /* (nullable): of the object that goes in or out */
  const char *api_version, *kind_name;
  const char *suffix; /* of the operation's id */
} Operation;

static void
append_parameter (KubeOpenapi *self, const char *name, const char *type, const char *in)
{
  gboolean path = strcmp (in, "path") == 0;

  kube_openapi_next (self->out);
  g_string_append_printf (self->out, "{\"name\":\"%s\",\"in\":\"%s\"%s,", name, in, path ? ",\"required\":true" : "");
  if (self->v3)
    g_string_append_printf (self->out, "\"schema\":{\"type\":\"%s\",\"uniqueItems\":true}}", type);
  else
    g_string_append_printf (self->out, "\"type\":\"%s\",\"uniqueItems\":true}", type);
}

static void
append_parameters (KubeOpenapi *self, const char *const *names_and_types)
{
  for (; *names_and_types != NULL; names_and_types += 2)
    append_parameter (self, names_and_types[0], names_and_types[1], "query");
}

static void
append_option_fields (KubeOpenapi *self, const KubeType *type)
{
  for (guint i = 0; i < type->n_fields; i++) {
    const KubeField *field = &type->fields[i];

    if (strcmp (field->name, "kind") == 0 || strcmp (field->name, "apiVersion") == 0)
      continue;
    append_parameter (self, field->name,
                      field->shape != KUBE_SHAPE_ONE         ? "string"
                      : field->scalar == KUBE_SCALAR_BOOLEAN ? "boolean"
                      : field->scalar == KUBE_SCALAR_INT32   ? "integer"
                      : field->scalar == KUBE_SCALAR_INT64   ? "integer"
                                                             : "string",
                      "query");
  }
}

static void
append_query (KubeOpenapi *self, const Operation *operation)
{
  static const char *const list[] = { "allowWatchBookmarks",
                                      "boolean",
                                      "continue",
                                      "string",
                                      "fieldSelector",
                                      "string",
                                      "labelSelector",
                                      "string",
                                      "limit",
                                      "integer",
                                      "resourceVersion",
                                      "string",
                                      "resourceVersionMatch",
                                      "string",
                                      "sendInitialEvents",
                                      "boolean",
                                      "shardSelector",
                                      "string",
                                      "timeoutSeconds",
                                      "integer",
                                      "watch",
                                      "boolean",
                                      NULL };
  static const char *const write[] = { "dryRun", "string", "fieldManager", "string", "fieldValidation", "string", NULL };
  static const char *const force[] = { "force", "boolean", NULL };
  static const char *const delete[] = { "dryRun",
                                        "string",
                                        "gracePeriodSeconds",
                                        "integer",
                                        "ignoreStoreReadErrorWithClusterBreakingPotential",
                                        "boolean",
                                        "orphanDependents",
                                        "boolean",
                                        "propagationPolicy",
                                        "string",
                                        NULL };
  const KubeType *log = kube_schema_find_type ("io.k8s.api.core.v1.PodLogOptions");

  if (operation->sub != NULL && operation->sub->connect && operation->type != NULL) {
    append_option_fields (self, operation->type);
    return;
  }
  if (operation->sub != NULL && strcmp (operation->sub->name, "log") == 0 && log != NULL)
    append_option_fields (self, log);
  switch (operation->verb->verb) {
  case KUBE_VERB_LIST:
    append_parameters (self, list);
    break;
  case KUBE_VERB_CREATE:
  case KUBE_VERB_UPDATE:
    append_parameters (self, write);
    break;
  case KUBE_VERB_PATCH:
    append_parameters (self, write);
    append_parameters (self, force);
    break;
  case KUBE_VERB_DELETE_COLLECTION:
    append_parameters (self, delete);
    append_parameters (self, list);
    break;
  case KUBE_VERB_DELETE:
    append_parameters (self, delete);
    break;
  default:
    break;
  }
}

static void
append_schema (KubeOpenapi *self, const char *definition)
{
  kube_openapi_key (self->out, "schema");
  g_string_append_c (self->out, '{');
  if (definition != NULL)
    kube_openapi_append_ref (self, definition);
  else
    kube_openapi_text (self->out, "type", "string");
  g_string_append_c (self->out, '}');
}

static void
append_content (KubeOpenapi *self, const char *const *media_types, const char *definition)
{
  kube_openapi_key (self->out, "content");
  g_string_append_c (self->out, '{');
  for (; *media_types != NULL; media_types++) {
    kube_openapi_key (self->out, *media_types);
    g_string_append_c (self->out, '{');
    append_schema (self, definition);
    g_string_append_c (self->out, '}');
  }
  g_string_append_c (self->out, '}');
}

static const char *const any_media[] = { "*/*", NULL };
static const char *const patch_media[] = { "application/json-patch+json", "application/merge-patch+json",
                                           "application/strategic-merge-patch+json", "application/apply-patch+yaml", NULL };
static const char *const answer_media[] = { "application/json", "application/yaml", "application/vnd.kubernetes.protobuf", NULL };

/* What the request's body is, or NULL. */
static const char *
body_definition (KubeOpenapi *self, const Operation *operation)
{
  const KubeType *options;

  if (operation->sub != NULL && operation->sub->connect)
    return NULL;
  switch (operation->verb->verb) {
  case KUBE_VERB_CREATE:
  case KUBE_VERB_UPDATE:
    return operation->type != NULL ? operation->type->definition : NULL;
  case KUBE_VERB_PATCH:
    return "io.k8s.apimachinery.pkg.apis.meta.v1.Patch";
  case KUBE_VERB_DELETE:
  case KUBE_VERB_DELETE_COLLECTION:
    options = kube_schema_find_type ("io.k8s.apimachinery.pkg.apis.meta.v1.DeleteOptions");
    kube_openapi_use_type (self, options);
    return options->definition;
  default:
    return NULL;
  }
}

static void
append_body (KubeOpenapi *self, const Operation *operation)
{
  const char *definition = body_definition (self, operation);
  gboolean required = !(operation->verb->verb & (KUBE_VERB_DELETE | KUBE_VERB_DELETE_COLLECTION));

  if (definition == NULL)
    return;
  if (self->v3) {
    kube_openapi_key (self->out, "requestBody");
    g_string_append_c (self->out, '{');
    if (required)
      g_string_append (self->out, "\"required\":true");
    append_content (self, operation->verb->verb == KUBE_VERB_PATCH ? patch_media : any_media, definition);
    g_string_append_c (self->out, '}');
    return;
  }
  kube_openapi_next (self->out);
  g_string_append_printf (self->out, "{\"name\":\"body\",\"in\":\"body\"%s", required ? ",\"required\":true" : "");
  append_schema (self, definition);
  g_string_append_c (self->out, '}');
}

static void
append_response (KubeOpenapi *self, const char *code, const char *words, const Operation *operation)
{
  const char *definition = operation->type != NULL ? operation->type->definition : NULL;

  if (operation->sub != NULL && (operation->sub->connect || strcmp (operation->sub->name, "log") == 0))
    definition = NULL;
  if (operation->verb->verb == KUBE_VERB_LIST && operation->kind->list_type != NULL)
    definition = operation->kind->list_type->definition;
  if (operation->verb->verb & (KUBE_VERB_DELETE | KUBE_VERB_DELETE_COLLECTION)) {
    const KubeType *status = kube_schema_find_type ("io.k8s.apimachinery.pkg.apis.meta.v1.Status");

    kube_openapi_use_type (self, status);
    definition = status->definition;
  }
  kube_openapi_key (self->out, code);
  g_string_append_c (self->out, '{');
  kube_openapi_text (self->out, "description", words);
  if (self->v3)
    append_content (self, answer_media, definition);
  else
    append_schema (self, definition);
  g_string_append_c (self->out, '}');
}

static void
append_responses (KubeOpenapi *self, const Operation *operation)
{
  gboolean connect = operation->sub != NULL && operation->sub->connect;
  KubeVerb verb = operation->verb->verb;

  kube_openapi_key (self->out, "responses");
  g_string_append_c (self->out, '{');
  append_response (self, "200", "OK", operation);
  if (!connect && (verb & (KUBE_VERB_CREATE | KUBE_VERB_UPDATE | KUBE_VERB_PATCH)))
    append_response (self, "201", "Created", operation);
  if (!connect && (verb & (KUBE_VERB_CREATE | KUBE_VERB_DELETE)))
    append_response (self, "202", "Accepted", operation);
  g_string_append (self->out, ",\"401\":{\"description\":\"Unauthorized\"}}");
}

/* "rbac.authorization.k8s.io" is RbacAuthorization in operations' ids, the core group Core. */
static void
append_group_words (GString *out, const char *group)
{
  g_autofree char *short_name = g_strdup (group[0] != '\0' ? group : "core");
  gboolean start = TRUE;

  if (g_str_has_suffix (short_name, ".k8s.io"))
    short_name[strlen (short_name) - strlen (".k8s.io")] = '\0';
  for (const char *p = short_name; *p != '\0'; p++) {
    if (g_ascii_isalnum (*p))
      g_string_append_c (out, start ? g_ascii_toupper (*p) : *p);
    start = !g_ascii_isalnum (*p);
  }
}

static void
append_word (GString *out, const char *word)
{
  g_string_append_c (out, g_ascii_toupper (word[0]));
  g_string_append (out, word + 1);
}

static void
append_operation_id (GString *out, const Operation *operation)
{
  gboolean connect = operation->sub != NULL && operation->sub->connect;
  g_autoptr (GString) id = g_string_new (NULL);

  g_string_append (id, connect                                                ? "connect"
                       : operation->verb->verb == KUBE_VERB_DELETE_COLLECTION ? "delete"
                                                                              : operation->verb->operation);
  append_group_words (id, operation->kind->group);
  append_word (id, operation->kind->version);
  if (connect)
    append_word (id, operation->verb->method);
  if (operation->verb->verb == KUBE_VERB_DELETE_COLLECTION)
    g_string_append (id, "Collection");
  g_string_append (id, operation->kind->namespaced && operation->suffix[0] == '\0' ? "Namespaced" : "");
  g_string_append (id, operation->kind->name);
  if (operation->sub != NULL)
    append_word (id, operation->sub->name);
  g_string_append (id, operation->suffix);
  kube_openapi_text (out, "operationId", id->str);
}

static void
append_media (GString *out, const char *key, const char *const *media)
{
  kube_openapi_key (out, key);
  g_string_append_c (out, '[');
  for (; *media != NULL; media++) {
    kube_openapi_next (out);
    kube_json_append_string (out, *media, -1);
  }
  g_string_append_c (out, ']');
}

static void
append_operation (KubeOpenapi *self, const Operation *operation)
{
  const char *slash = strchr (operation->api_version, '/');
  g_autofree char *group = slash != NULL ? g_strndup (operation->api_version, slash - operation->api_version) : g_strdup ("");
  g_autofree char *tag = NULL;
  g_autoptr (GString) words = g_string_new (NULL);

  append_group_words (words, operation->kind->group);
  words->str[0] = g_ascii_tolower (words->str[0]);
  tag = g_strconcat (words->str, "_", operation->kind->version, NULL);
  if (operation->type != NULL)
    kube_openapi_use_type (self, operation->type);
  if (operation->verb->verb == KUBE_VERB_LIST && operation->kind->list_type != NULL)
    kube_openapi_use_type (self, operation->kind->list_type);
  kube_openapi_key (self->out, operation->verb->method);
  g_string_append_printf (self->out, "{\"tags\":[\"%s\"]", tag);
  append_operation_id (self->out, operation);
  if (!self->v3) {
    append_media (self->out, "consumes", operation->verb->verb == KUBE_VERB_PATCH ? patch_media : any_media);
    append_media (self->out, "produces", answer_media);
    g_string_append (self->out, ",\"schemes\":[\"https\"]");
  }
  kube_openapi_key (self->out, "parameters");
  g_string_append_c (self->out, '[');
  if (!self->v3)
    append_body (self, operation);
  append_query (self, operation);
  g_string_append_c (self->out, ']');
  if (self->v3)
    append_body (self, operation);
  append_responses (self, operation);
  kube_openapi_text (self->out, "x-kubernetes-action",
                     operation->sub != NULL && operation->sub->connect ? "connect" : operation->verb->action);
  kube_openapi_key (self->out, "x-kubernetes-group-version-kind");
  g_string_append_c (self->out, '{');
  kube_openapi_text (self->out, "group", group);
  kube_openapi_text (self->out, "kind", operation->kind_name);
  kube_openapi_text (self->out, "version", slash != NULL ? slash + 1 : operation->api_version);
  g_string_append (self->out, "}}");
}

static void
append_path (KubeOpenapi *self, KubeKind *kind, const KubeSubresource *sub, const char *path, const Verb *verbs, guint n_verbs,
             KubeVerb allowed, const char *suffix)
{
  Operation operation = { kind, sub, NULL, kind->type, kind->api_version, kind->name, suffix };
  KubeKind *other = sub != NULL && sub->kind != NULL ? kube_scheme_find_kind (self->scheme, sub->api_version, sub->kind) : NULL;

  if (sub != NULL && sub->kind != NULL) {
    operation.type = other != NULL ? other->type : NULL;
    operation.api_version = sub->api_version;
    operation.kind_name = sub->kind;
  }
  kube_openapi_key (self->out, path);
  g_string_append_c (self->out, '{');
  for (guint i = 0; i < n_verbs; i++) {
    operation.verb = &verbs[i];
    if (allowed & verbs[i].verb)
      append_operation (self, &operation);
  }
  kube_openapi_key (self->out, "parameters");
  g_string_append_c (self->out, '[');
  if (strstr (path, "{name}") != NULL)
    append_parameter (self, "name", "string", "path");
  if (strstr (path, "{namespace}") != NULL)
    append_parameter (self, "namespace", "string", "path");
  append_parameter (self, "pretty", "string", "query");
  g_string_append (self->out, "]}");
}

/* The paths of one resource. */
void
kube_openapi_append_paths (KubeOpenapi *self, KubeKind *kind)
{
  g_autofree char *all = kube_kind_dup_path (kind, NULL);
  g_autofree char *collection = kube_kind_dup_path (kind, "{namespace}");
  g_autofree char *object = g_strconcat (collection, "/{name}", NULL);

  if (kind->namespaced && (kind->verbs & KUBE_VERB_LIST))
    append_path (self, kind, NULL, all, collection_verbs, 1, kind->verbs, "ForAllNamespaces");
  append_path (self, kind, NULL, collection, collection_verbs, G_N_ELEMENTS (collection_verbs), kind->verbs, "");
  if (kind->verbs & (KUBE_VERB_GET | KUBE_VERB_UPDATE | KUBE_VERB_DELETE | KUBE_VERB_PATCH))
    append_path (self, kind, NULL, object, object_verbs, G_N_ELEMENTS (object_verbs), kind->verbs, "");
  for (guint i = 0; i < kind->n_subresources; i++) {
    const KubeSubresource *sub = &kind->subresources[i];
    g_autofree char *path = g_strconcat (object, "/", sub->name, NULL);

    append_path (self, kind, sub, path, subresource_verbs, G_N_ELEMENTS (subresource_verbs), sub->verbs, "");
  }
}
