/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kube-operation.h"
#include "kube-protobuf.h"
#include "kube-wire.h"

/* Answers in protobuf's form, made of the JSON texts that all answers are made of. */

#define META_VERSION "meta.k8s.io/v1"
#define LIST_ITEMS 2 /* the number of "items" in every list */

/* The type of what says of itself that it is a @name, a kind or the list of a kind. NULL: it has no protobuf form. */
static const KubeType *
find_type (KubeOperation *op, const char *api_version, const char *name)
{
  KubeKind *kind = api_version != NULL && name != NULL ? kube_scheme_find_kind (op->scheme, api_version, name) : NULL;
  const KubeType *type = kind != NULL ? kind->type : NULL;

  if (kind == NULL && name != NULL && g_str_has_suffix (name, "List")) {
    g_autofree char *item = g_strndup (name, strlen (name) - strlen ("List"));
    kind = kube_scheme_find_kind (op->scheme, api_version, item);
    type = kind != NULL ? kind->list_type : NULL;
  }
  return type != NULL && type->n_wire > 0 ? type : NULL;
}

GBytes *
kube_operation_encode_protobuf (KubeOperation *op, KubeValue *value)
{
  const char *api_version = kube_value_get_member_string (value, "apiVersion"), *name = kube_value_get_member_string (value, "kind");
  const KubeType *type = find_type (op, api_version, name);

  return type != NULL ? kube_protobuf_encode_object (type, api_version, name, value, NULL, 0) : NULL;
}

void
kube_operation_append_protobuf_item (KubeOperation *op, const char *json, gsize length, GString *items)
{
  const KubeType *type = op->form == KUBE_FORM_PARTIAL ? find_type (op, META_VERSION, "PartialObjectMetadata") : op->kind->type;
  g_autoptr (KubeValue) value = kube_value_parse (json, (gssize) length, NULL);
  g_autoptr (GByteArray) message = g_byte_array_new ();
  guint8 head[KUBE_WIRE_HEAD_SIZE];
  guint n;

  kube_protobuf_encode (type, value, message);
  n = kube_wire_bytes_head (head, LIST_ITEMS, message->len);
  g_string_append_len (items, (const char *) head, n);
  g_string_append_len (items, (const char *) message->data, message->len);
}

GBytes *
kube_operation_encode_protobuf_list (KubeOperation *op, KubeValue *list, GString *items)
{
  gboolean partial = op->form == KUBE_FORM_PARTIAL;
  const char *api_version = partial ? META_VERSION : op->kind->api_version;
  const char *name = partial ? "PartialObjectMetadataList" : op->kind->list_name;

  return kube_protobuf_encode_object (find_type (op, api_version, name), api_version, name, list, items->str, items->len);
}

void
kube_operation_append_protobuf_event (KubeOperation *op, const char *type, const char *json, gsize length, GString *out)
{
  g_autoptr (KubeValue) value = kube_value_parse (json, (gssize) length, NULL);
  g_autoptr (GBytes) object = kube_operation_encode_protobuf (op, value);
  g_autoptr (GByteArray) raw = g_byte_array_new (), event = g_byte_array_new ();
  guint32 size;

  /* WatchEvent, with the object in a RawExtension, behind its length */
  kube_wire_put_bytes (raw, 1, g_bytes_get_data (object, NULL), g_bytes_get_size (object));
  kube_wire_put_string (event, 1, type);
  kube_wire_put_bytes (event, 2, raw->data, raw->len);
  size = GUINT32_TO_BE (event->len);
  g_string_append_len (out, (const char *) &size, sizeof size);
  g_string_append_len (out, (const char *) event->data, event->len);
}
