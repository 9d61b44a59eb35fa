/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kube-registry.h"
#include "../kube-convert.h"
#include "kube-source.h"
#include "kube-splice.h"
#include "kube-table.h"
#include "kube-selector-fields.h"

/* How much of a list is read within one read transaction, and how long that may take. */
#define SLICE_BYTES (256 * 1024)
#define SLICE_MICROSECONDS 8000
#define MAX_QUEUED (1024 * 1024)

GError *
kube_registry_too_large_version (guint64 wanted, guint64 current)
{
  GError *error = g_error_new (KUBE_ERROR, KUBE_ERROR_TIMEOUT, "Timeout: Too large resource version: %" G_GUINT64_FORMAT ", current: %" G_GUINT64_FORMAT, wanted, current);

  kube_error_get_details (error)->retry_after = 1;
  kube_error_add_cause (error, "ResourceVersionTooLarge", NULL, "Too large resource version");
  return error;
}

void
kube_registry_get (KubeOperation *op)
{
  const char *version = kube_call_get_query (op->call, "resourceVersion");
  g_autofree char *key = kube_storage_key (op->kind, op->info.namespace_, op->info.name);
  g_autoptr (GError) error = NULL;
  g_autoptr (GBytes) bytes = NULL;
  g_autoptr (KubeObject) stored = NULL, object = NULL;
  guint64 wanted = 0, current;

  if (version != NULL && !kube_parse_revision (version, &wanted, &error)) {
    kube_operation_answer_error (op, error);
    return;
  }
  if (wanted > 0 && wanted > (current = kube_store_get_revision (op->store))) {
    kube_operation_take_error (op, kube_registry_too_large_version (wanted, current));
    return;
  }
  bytes = kube_store_get (op->store, key, NULL, &error);
  if (bytes == NULL) {
    if (error->code == KUBE_ERROR_NOT_FOUND)
      kube_operation_take_error (op, kube_storage_not_found (op->kind, op->info.name));
    else
      kube_operation_answer_error (op, error);
    return;
  }
  stored = kube_object_new_from_bytes (bytes);
  object = kube_convert_from_storage (op->kind, stored);
  kube_operation_answer_object (op, 200, object);
}

KubeObject *
kube_registry_convert (KubeOperation *op, const char *json, gsize length)
{
  g_autoptr (GBytes) bytes = g_bytes_new (json, length);
  g_autoptr (KubeObject) stored = kube_object_new_from_bytes (bytes);

  return kube_convert_from_storage (op->kind, stored);
}

typedef struct {
  const char *json;
  gsize length;
  char *text; /* (owned) (nullable): what was found last */
} StoredFields;

static const char *
stored_field (const char *path, gpointer user_data)
{
  StoredFields *fields = user_data;
  g_autoptr (KubeValue) value = NULL;
  KubePart part;
  const char *start;

  g_clear_pointer (&fields->text, g_free);
  if (!kube_splice_find_path (fields->json, fields->length, path, &part))
    return NULL;
  start = part.start;
  if (*start == '{' || *start == '[' || *start == 'n')
    return NULL;
  if (*start != '"') {
    fields->text = g_strndup (start, (gsize) (part.end - start));
  } else if (memchr (start, '\\', (gsize) (part.end - start)) == NULL) {
    fields->text = g_strndup (start + 1, (gsize) (part.end - start) - 2);
  } else {
    value = kube_value_parse (start, part.end - start, NULL);
    fields->text = g_strdup (kube_value_peek_string (value, NULL));
  }
  return fields->text;
}

gboolean
kube_registry_matches (const KubeListOptions *options, const char *json, gsize length)
{
  if (options->labels != NULL) {
    KubePart part;
    g_autoptr (KubeValue) labels = kube_splice_find_meta (json, length, "labels", &part) ? kube_value_parse (part.start, part.end - part.start, NULL) : NULL;
    if (!kube_selector_matches_labels (options->labels, labels))
      return FALSE;
  }
  if (options->fields != NULL) {
    StoredFields fields = { json, length, NULL };
    gboolean matches = kube_selector_matches_fields (options->fields, stored_field, &fields);

    g_free (fields.text);
    return matches;
  }
  return TRUE;
}

typedef struct {
  KubeOperation *op;
  KubeListOptions options;
  char *prefix;       /* of the collection */
  char *start, *end;
  guint64 at;         /* the snapshot; 0 before the first slice */
  guint64 count;      /* items so far */
  gint64 expected;    /* items from start on, as the page before has counted them; -1: not known */
  gint64 deadline;    /* of this slice */
  gsize begin;        /* of this slice, in the chunk */
  GString *chunk;
  GPtrArray *objects; /* (nullable): for the in-process client */
  char *last;
  gboolean more;
  gboolean streaming;
  gboolean whole;     /* pretty, YAML or protobuf: nothing is sent before the end */
  GSource *turn;      /* (nullable): of a list that nothing of is sent yet */
  gulong gone;
  gboolean busy;      /* a client that leaves while we push is seen to after that */
  gboolean stopping;
} List;

static void
list_free (List *list)
{
  if (list->gone != 0)
    g_signal_handler_disconnect (kube_call_get_cancellable (list->op->call), list->gone);
  kube_clear_source (&list->turn);
  kube_list_options_clear (&list->options);
  g_free (list->prefix);
  g_free (list->start);
  g_free (list->end);
  g_free (list->last);
  g_string_free (list->chunk, TRUE);
  g_clear_pointer (&list->objects, g_ptr_array_unref);
  kube_operation_unref (list->op);
  g_free (list);
}

static gboolean
is_full (const List *list)
{
  return list->options.limit > 0 && list->count >= (guint64) list->options.limit;
}

static gboolean
visit (const char *key, const guint8 *data, gsize length, guint64 revision, gpointer user_data)
{
  List *list = user_data;
  const char *json = (const char *) data;
  g_autoptr (KubeObject) converted = NULL;

  g_free (list->last);
  list->last = g_strdup (key);
  if (kube_convert_is_needed (list->op->kind)) {
    converted = kube_registry_convert (list->op, json, length);
    json = g_bytes_get_data (kube_object_get_bytes (converted), &length);
  }
  if (kube_registry_matches (&list->options, json, length)) {
    if (list->objects != NULL) {
      g_autoptr (GBytes) bytes = g_bytes_new (json, length);
      g_ptr_array_add (list->objects, kube_object_new_from_bytes (bytes));
    } else if (list->op->media == KUBE_MEDIA_PROTOBUF) {
      kube_operation_append_protobuf_item (list->op, json, length, list->chunk);
    } else {
      if (list->count > 0)
        g_string_append_c (list->chunk, ',');
      kube_operation_append_form (list->op, json, length, FALSE, list->chunk);
    }
    list->count++;
  }
  return !is_full (list) && list->chunk->len - list->begin < SLICE_BYTES && g_get_monotonic_time () < list->deadline;
}

/* How many items stand behind this page; -1 where a selector makes that unknown. */
static gint64
count_remaining (List *list)
{
  KubeStoreRange range = { .end = list->end, .revision = list->at };
  g_autofree char *next = g_strconcat (list->last, "\001", NULL);

  if (list->options.labels != NULL || list->options.fields != NULL)
    return -1;
  if (list->expected >= (gint64) list->count)
    return list->expected - (gint64) list->count;
  range.start = next;
  return (gint64) kube_store_count (list->op->store, &range);
}

/* @revision: -1: whatever is the newest then. */
static char *
print_continue (const char *start, gint64 revision, gint64 remaining)
{
  g_autoptr (GString) json = g_string_new (NULL);
  char *token;

  g_string_append_printf (json, "{\"v\":\"meta.k8s.io/v1\",\"rv\":%" G_GINT64_FORMAT ",\"start\":", revision);
  kube_json_append_string (json, start, -1);
  if (remaining >= 0)
    g_string_append_printf (json, ",\"remaining\":%" G_GINT64_FORMAT, remaining);
  g_string_append_c (json, '}');
  token = g_base64_encode ((const guchar *) json->str, json->len);
  g_strdelimit (token, "+", '-');
  g_strdelimit (token, "/", '_');
  token[strcspn (token, "=")] = '\0';
  return token;
}

/* A page tells the next one how many items are left, so that they are counted once for a list and not once for each page. */
static char *
make_continue (List *list, gint64 remaining)
{
  g_autofree char *next = g_strconcat (list->last + strlen (list->prefix), "\001", NULL);

  return print_continue (next, (gint64) list->at, remaining);
}

static void
append_metadata (List *list, GString *out)
{
  g_string_append_printf (out, "\"metadata\":{\"resourceVersion\":\"%" G_GUINT64_FORMAT "\"", list->at);
  if (list->more) {
    gint64 remaining = count_remaining (list);
    g_autofree char *token = make_continue (list, remaining);

    g_string_append_printf (out, ",\"continue\":\"%s\"", token);
    if (remaining >= 0)
      g_string_append_printf (out, ",\"remainingItemCount\":%" G_GINT64_FORMAT, remaining);
  }
  g_string_append_c (out, '}');
}

/* What stands before the items. Where a limit is given, the metadata is known only after them. */
static void
append_head (List *list, GString *out)
{
  KubeOperation *op = list->op;

  if (op->form == KUBE_FORM_TABLE)
    g_string_append (out, "{\"kind\":\"Table\",\"apiVersion\":\"meta.k8s.io/v1\",");
  else if (op->form == KUBE_FORM_PARTIAL)
    g_string_append (out, "{\"kind\":\"PartialObjectMetadataList\",\"apiVersion\":\"meta.k8s.io/v1\",");
  else
    g_string_append_printf (out, "{\"kind\":\"%s\",\"apiVersion\":\"%s\",", op->kind->list_name, op->kind->api_version);
  if (list->options.limit <= 0) {
    append_metadata (list, out);
    g_string_append_c (out, ',');
  }
  if (op->form == KUBE_FORM_TABLE) {
    g_string_append (out, "\"columnDefinitions\":");
    kube_table_print_columns (op->kind, out);
    g_string_append (out, ",\"rows\":[");
  } else {
    g_string_append (out, "\"items\":[");
  }
}

static void
append_tail (List *list, GString *out)
{
  g_string_append_c (out, ']');
  if (list->options.limit > 0) {
    g_string_append_c (out, ',');
    append_metadata (list, out);
  }
  g_string_append_c (out, '}');
}

static void
answer_protobuf (List *list)
{
  g_autoptr (GString) json = g_string_new ("{");
  g_autoptr (KubeValue) value = NULL;
  g_autoptr (GBytes) bytes = NULL;

  append_metadata (list, json);
  g_string_append_c (json, '}');
  value = kube_value_parse (json->str, (gssize) json->len, NULL);
  bytes = kube_operation_encode_protobuf_list (list->op, value, list->chunk);
  if (g_bytes_get_size (bytes) < SLICE_BYTES) {
    kube_call_respond (list->op->call, 200, KUBE_PROTOBUF_TYPE, bytes);
    return;
  }
  /* as lists in JSON: to compress them takes longer than to send them */
  kube_call_begin_stream (list->op->call, 200, KUBE_PROTOBUF_TYPE);
  kube_call_push (list->op->call, bytes);
  kube_call_end_stream (list->op->call, NULL);
}

static void
list_complete (List *list)
{
  KubeOperation *op = list->op;
  g_autoptr (GBytes) bytes = NULL;
  GString *out;

  if (list->objects != NULL) {
    gint64 remaining = list->more ? count_remaining (list) : 0;
    g_autofree char *token = list->more ? make_continue (list, remaining) : NULL;
    g_autofree char *version = g_strdup_printf ("%" G_GUINT64_FORMAT, list->at);
    g_autoptr (KubeObjectList) objects = kube_object_list_new (g_steal_pointer (&list->objects), version, token, remaining);
    kube_call_respond_local (op->call, 200, NULL, objects);
    return;
  }
  if (list->streaming) {
    append_tail (list, list->chunk);
    bytes = g_bytes_new (list->chunk->str, list->chunk->len);
    kube_call_push (op->call, bytes);
    kube_call_end_stream (op->call, NULL);
    return;
  }
  if (op->media == KUBE_MEDIA_PROTOBUF) {
    answer_protobuf (list);
    return;
  }
  out = g_string_sized_new (list->chunk->len + 512);
  append_head (list, out);
  g_string_append_len (out, list->chunk->str, (gssize) list->chunk->len);
  append_tail (list, out);
  bytes = g_string_free_to_bytes (out);
  kube_operation_answer_json (op, 200, bytes);
}

static void
list_push (List *list)
{
  g_autoptr (GBytes) bytes = NULL;

  if (!list->streaming) {
    g_autoptr (GString) head = g_string_new (NULL);
    g_autoptr (GBytes) first = NULL;
    list->streaming = TRUE;
    kube_call_begin_stream (list->op->call, 200, "application/json");
    append_head (list, head);
    first = g_bytes_new (head->str, head->len);
    kube_call_push (list->op->call, first);
  }
  bytes = g_bytes_new (list->chunk->str, list->chunk->len);
  g_string_truncate (list->chunk, 0);
  kube_call_push (list->op->call, bytes);
}

static void
list_fail (List *list, GError *error)
{
  if (g_error_matches (error, KUBE_ERROR, KUBE_ERROR_EXPIRED)) {
    gboolean paging = *list->options.continue_ != '\0';
    g_free (error->message);
    error->message = g_strdup (paging ? "The provided continue parameter is too old to display a consistent list result. You can start a new list without the continue parameter, or use the "
                                        "continue token in this response to retrieve the remainder of the results. Continuing with the provided token results in an inconsistent list - objects "
                                        "that were created, modified, or deleted between the time the first chunk was returned and now may show up in the list."
                                      : "The resourceVersion for the provided list is too old.");
    if (paging)
      kube_error_get_details (error)->continue_ = print_continue (list->start + strlen (list->prefix), -1, -1);
  }
  if (list->streaming)
    kube_call_end_stream (list->op->call, error);
  else
    kube_operation_answer_error (list->op, error);
}

/* Reads one slice. FALSE: the list is over, in whatever way. */
static gboolean
list_slice (List *list)
{
  KubeStoreRange range = { list->start, list->end, list->at, 0 };
  g_autoptr (GError) error = NULL;

  list->deadline = g_get_monotonic_time () + SLICE_MICROSECONDS;
  list->begin = list->chunk->len;
  if (!kube_store_range (list->op->store, &range, visit, list, &list->at, &list->more, &error)) {
    list_fail (list, error);
    return FALSE;
  }
  if (!list->more || is_full (list)) {
    list_complete (list);
    return FALSE;
  }
  g_free (list->start);
  list->start = g_strconcat (list->last, "\001", NULL);
  return TRUE;
}

static gboolean list_go_on (gpointer user_data);

static gboolean
on_turn (gpointer user_data)
{
  List *list = user_data;

  g_clear_pointer (&list->turn, g_source_unref);
  list_go_on (list);
  return G_SOURCE_REMOVE;
}

/* After each slice others have their turn, although nobody waits for what is written. */
static void
await_turn (List *list)
{
  g_autoptr (GMainContext) context = g_main_context_ref_thread_default ();

  list->turn = g_idle_source_new ();
  g_source_set_priority (list->turn, G_PRIORITY_DEFAULT);
  g_source_set_callback (list->turn, on_turn, list, NULL);
  g_source_attach (list->turn, context);
}

/* Slices until the client has enough to read; then what it has read brings us back. */
static gboolean
list_go_on (gpointer user_data)
{
  List *list = user_data;
  gboolean more;

  list->busy = TRUE;
  do {
    more = list_slice (list);
    if (more && !list->whole && list->objects == NULL)
      list_push (list);
  } while (more && !list->whole && !list->stopping && kube_call_get_queued (list->op->call) < MAX_QUEUED);
  list->busy = FALSE;
  if (more && !list->stopping) {
    if (list->whole)
      await_turn (list);
    return G_SOURCE_CONTINUE;
  }
  kube_call_set_drain_func (list->op->call, NULL, NULL);
  if (more && list->streaming)
    kube_call_end_stream (list->op->call, NULL);
  list_free (list);
  return G_SOURCE_REMOVE;
}

static void
on_gone (GCancellable *cancellable, gpointer user_data)
{
  List *list = user_data;

  list->stopping = TRUE;
  if (list->busy)
    return;
  kube_call_set_drain_func (list->op->call, NULL, NULL);
  if (list->streaming)
    kube_call_end_stream (list->op->call, NULL);
  list_free (list);
}

static gboolean
set_continue_error (GError **error, const char *text)
{
  g_set_error (error, KUBE_ERROR, KUBE_ERROR_BAD_REQUEST, "invalid continue token: %s", text);
  return FALSE;
}

/* Whether a key stays below where lists begin. */
static gboolean
is_clean (const char *key)
{
  g_auto (GStrv) parts = g_strsplit (*key == '/' ? key + 1 : key, "/", -1);

  for (char **part = parts; *part != NULL; part++)
    if (**part == '\0' || g_str_equal (*part, ".") || g_str_equal (*part, ".."))
      return FALSE;
  return TRUE;
}

static gboolean
read_continue (List *list, GError **error)
{
  g_autofree char *token = g_strconcat (list->options.continue_, "===", NULL);
  g_autofree guchar *data = NULL;
  g_autoptr (KubeValue) value = NULL;
  g_autoptr (GError) failure = NULL;
  const char *start, *version;
  gint64 revision;
  gsize length, padded = strlen (list->options.continue_);

  token[(padded + 3) / 4 * 4] = '\0';
  g_strdelimit (token, "-", '+');
  g_strdelimit (token, "_", '/');
  data = g_base64_decode (token, &length);
  value = kube_value_parse ((const char *) data, (gssize) length, &failure);
  if (value == NULL) {
    g_autofree char *text = g_strconcat ("continue key is not valid: ", failure->message, NULL);
    return set_continue_error (error, text);
  }
  start = kube_value_get_string (value, "start");
  version = kube_value_get_string (value, "v");
  if (g_strcmp0 (version, "meta.k8s.io/v1") != 0) {
    g_autofree char *text = g_strconcat ("continue key is not valid: server does not recognize this encoded version ", version, NULL);
    return set_continue_error (error, text);
  }
  revision = kube_value_get_integer (value, "rv", 0);
  if (revision == 0)
    return set_continue_error (error, "continue key is not valid: incorrect encoded start resourceVersion (version meta.k8s.io/v1)");
  if (start == NULL || *start == '\0')
    return set_continue_error (error, "continue key is not valid: encoded start key empty (version meta.k8s.io/v1)");
  if (!is_clean (start)) {
    g_autofree char *text = g_strconcat ("continue key is not valid: ", start, NULL);
    return set_continue_error (error, text);
  }
  if (*list->options.version != '\0' && !g_str_equal (list->options.version, "0")) {
    g_set_error_literal (error, KUBE_ERROR, KUBE_ERROR_BAD_REQUEST, "specifying resource version is not allowed when using continue");
    return FALSE;
  }
  list->at = (guint64) MAX (revision, 0); /* below zero: the newest */
  list->expected = kube_value_get_integer (value, "remaining", -1);
  g_free (list->start);
  list->start = g_strconcat (list->prefix, start, NULL);
  return TRUE;
}

/* Where the list begins and as of when, after what the client wants. */
static gboolean
list_place (List *list, GError **error)
{
  KubeOperation *op = list->op;
  const KubeListOptions *options = &list->options;
  const char *name = options->fields != NULL ? kube_selector_get_required (options->fields, "metadata.name") : NULL;
  guint64 current;

  list->prefix = kube_storage_key (op->kind, op->info.namespace_, NULL);
  list->start = g_strdup (list->prefix);
  list->end = kube_storage_end_of (list->prefix);
  if (*options->continue_ != '\0')
    return read_continue (list, error);
  if (options->revision > 0 && options->revision > (current = kube_store_get_revision (op->store))) {
    g_propagate_error (error, kube_registry_too_large_version (options->revision, current));
    return FALSE;
  }
  if (options->revision > 0 && (g_str_equal (options->match, "Exact") || (*options->match == '\0' && options->limit > 0)))
    list->at = options->revision;
  /* One name in one place: that object and no other is read. */
  if (name != NULL && *name != '\0' && (!op->kind->namespaced || *op->info.namespace_ != '\0')) {
    g_free (list->start);
    g_free (list->end);
    list->start = g_strconcat (list->prefix, name, NULL);
    list->end = g_strconcat (list->start, "\001", NULL);
  }
  return TRUE;
}

void
kube_registry_list (KubeOperation *op)
{
  List *list = g_new0 (List, 1);
  GError *error = NULL;

  list->expected = -1;
  list->op = kube_operation_ref (op);
  list->chunk = g_string_new (NULL);
  if (!kube_operation_get_list_options (op, FALSE, &list->options, &error) || !list_place (list, &error)) {
    kube_operation_take_error (op, error);
    list_free (list);
    return;
  }
  if (kube_call_is_local (op->call))
    list->objects = g_ptr_array_new_with_free_func ((GDestroyNotify) kube_object_unref);
  list->whole = op->pretty || op->media != KUBE_MEDIA_JSON;
  list->gone = g_signal_connect (kube_call_get_cancellable (op->call), "cancelled", G_CALLBACK (on_gone), list);
  kube_call_set_drain_func (op->call, list_go_on, list);
  list_go_on (list);
}
