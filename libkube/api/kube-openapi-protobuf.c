/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kube-openapi-private.h"

#include "kube-wire.h"

#include <string.h>

/* OpenAPI documents as gnostic's messages (OpenAPIv2.proto, OpenAPIv3.proto), which kubectl asks for. A message is a table of the JSON members
 * that it knows; what begins with "x-" goes into its list of extensions, as YAML text. */

typedef enum {
  MEMBER_STRING,
  MEMBER_STRINGS,
  MEMBER_BOOLEAN,
  MEMBER_MESSAGE,
  MEMBER_MESSAGES,   /* an array */
  MEMBER_NAMED,      /* an object: a message that holds a list of {name = 1, value = 2} as its field 1 */
  MEMBER_TYPES,      /* one string: a message that holds a list of them */
  MEMBER_ITEMS,      /* one value: a message that holds a list of them */
  MEMBER_ANY_LIST,   /* an array of any: YAML text */
  MEMBER_DEFAULT_V3, /* a number, boolean or string, in a message that says which */
} MemberHow;

typedef struct _Message Message;

typedef struct {
  const char *name;
  guint8 number;
  guint8 how;
  const Message *type;
} Member;

struct _Message {
  const Member *members;                 /* ended by a NULL name */
  const Message *reference;              /* what it is where it has a $ref, in version 3 */
  guint8 plain_number, reference_number; /* 0: the message itself; else the fields of the message that says which of both it is */
  guint8 extensions;                     /* number of the list of extensions, 0: none */
  guint8 rest; /* number of a list of {name, value} for all members that are not in the table, of `rest_type` */
  const Message *rest_type;
};

static void write_message (GByteArray *out, const Message *type, KubeValue *value);

static void
write_any (GByteArray *out, guint number, KubeValue *value)
{
  g_autoptr (GByteArray) any = g_byte_array_new ();
  g_autofree char *text = kube_value_print (value, NULL);

  kube_wire_put_string (any, 2, text);
  kube_wire_put_bytes (out, number, any->data, any->len);
}

static void
write_extension (GByteArray *out, guint number, const char *name, KubeValue *value)
{
  g_autoptr (GByteArray) named = g_byte_array_new ();

  kube_wire_put_string (named, 1, name);
  write_any (named, 2, value);
  kube_wire_put_bytes (out, number, named->data, named->len);
}

static void
write_named (GByteArray *out, guint number, const char *name, const Message *type, KubeValue *value)
{
  g_autoptr (GByteArray) named = g_byte_array_new ();
  g_autoptr (GByteArray) inner = g_byte_array_new ();

  write_message (inner, type, value);
  kube_wire_put_string (named, 1, name);
  kube_wire_put_bytes (named, 2, inner->data, inner->len);
  kube_wire_put_bytes (out, number, named->data, named->len);
}

static void
write_default (GByteArray *out, guint number, KubeValue *value)
{
  g_autoptr (GByteArray) inner = g_byte_array_new ();

  if (kube_value_is_string (value))
    kube_wire_put_string (inner, 3, kube_value_get_string (value, NULL));
  else if (kube_value_get_value_type (value) == KUBE_VALUE_BOOLEAN)
    kube_wire_put_varint (inner, 2, kube_value_get_boolean (value, NULL, FALSE));
  else if (kube_value_get_value_type (value) == KUBE_VALUE_INTEGER)
    kube_wire_put_double (inner, 1, kube_value_get_double (value, NULL, 0));
  else
    return;
  kube_wire_put_bytes (out, number, inner->data, inner->len);
}

static void
write_list_message (GByteArray *out, const Member *member, KubeValue *value)
{
  g_autoptr (GByteArray) inner = g_byte_array_new ();

  if (member->how == MEMBER_TYPES) {
    kube_wire_put_string (inner, 1, kube_value_get_string (value, NULL));
  } else if (member->how == MEMBER_ITEMS) {
    g_autoptr (GByteArray) one = g_byte_array_new ();

    write_message (one, member->type, value);
    kube_wire_put_bytes (inner, 1, one->data, one->len);
  } else {
    for (guint i = 0; i < kube_value_get_length (value); i++)
      write_named (inner, 1, kube_value_get_key (value, i), member->type, kube_value_get_element (value, i));
  }
  kube_wire_put_bytes (out, member->number, inner->data, inner->len);
}

static void
write_one (GByteArray *out, const Member *member, KubeValue *value)
{
  g_autoptr (GByteArray) inner = g_byte_array_new ();

  write_message (inner, member->type, value);
  kube_wire_put_bytes (out, member->number, inner->data, inner->len);
}

static void
write_member (GByteArray *out, const Member *member, KubeValue *value)
{
  switch ((MemberHow)member->how) {
  case MEMBER_STRING:
    kube_wire_put_string (out, member->number, kube_value_get_string (value, NULL) ?: "");
    break;
  case MEMBER_BOOLEAN:
    kube_wire_put_varint (out, member->number, kube_value_get_boolean (value, NULL, FALSE));
    break;
  case MEMBER_MESSAGE:
    write_one (out, member, value);
    break;
  case MEMBER_DEFAULT_V3:
    write_default (out, member->number, value);
    break;
  case MEMBER_NAMED:
  case MEMBER_TYPES:
  case MEMBER_ITEMS:
    write_list_message (out, member, value);
    break;
  case MEMBER_STRINGS:
  case MEMBER_MESSAGES:
  case MEMBER_ANY_LIST:
    for (guint i = 0; i < kube_value_get_length (value); i++) {
      KubeValue *element = kube_value_get_element (value, i);

      if (member->how == MEMBER_STRINGS)
        kube_wire_put_string (out, member->number, kube_value_get_string (element, NULL) ?: "");
      else if (member->how == MEMBER_ANY_LIST)
        write_any (out, member->number, element);
      else
        write_one (out, member, element);
    }
    break;
  }
}

static const Member *
find_member (const Message *type, const char *name)
{
  for (const Member *member = type->members; member != NULL && member->name != NULL; member++)
    if (strcmp (member->name, name) == 0)
      return member;
  return NULL;
}

static void
write_members (GByteArray *out, const Message *type, KubeValue *value)
{
  for (guint i = 0; i < kube_value_get_length (value); i++) {
    const char *key = kube_value_get_key (value, i);
    KubeValue *element = kube_value_get_element (value, i);
    const Member *member = find_member (type, key);

    if (member != NULL)
      write_member (out, member, element);
    else if (type->extensions != 0 && g_str_has_prefix (key, "x-"))
      write_extension (out, type->extensions, key, element);
    else if (type->rest != 0)
      write_named (out, type->rest, key, type->rest_type, element);
  }
}

/* Version 2 says of a parameter in which of five messages it is. */
static guint
wrap_parameter_v2 (KubeValue *value)
{
  const char *in = kube_value_get_string (value, "in");

  return g_strcmp0 (in, "body") == 0 ? 0 : g_strcmp0 (in, "path") == 0 ? 4 : 3;
}

/* Version 2 */

static const Message schema_v2;

static const Member schema_v2_members[] = {
  { "$ref", 1, MEMBER_STRING, NULL },
  { "format", 2, MEMBER_STRING, NULL },
  { "description", 4, MEMBER_STRING, NULL },
  { "required", 19, MEMBER_STRINGS, NULL },
  { "additionalProperties", 21, MEMBER_ITEMS, &schema_v2 }, /* {schema = 1} has the same form */
  { "type", 22, MEMBER_TYPES, NULL },
  { "items", 23, MEMBER_ITEMS, &schema_v2 },
  { "properties", 25, MEMBER_NAMED, &schema_v2 },
  { NULL },
};
static const Message schema_v2 = { schema_v2_members, .extensions = 31 };

static const Member body_v2_members[] = {
  { "name", 2, MEMBER_STRING, NULL },
  { "in", 3, MEMBER_STRING, NULL },
  { "required", 4, MEMBER_BOOLEAN, NULL },
  { "schema", 5, MEMBER_MESSAGE, &schema_v2 },
  { NULL },
};
static const Member query_v2_members[] = {
  { "required", 1, MEMBER_BOOLEAN, NULL },     { "in", 2, MEMBER_STRING, NULL },
  { "name", 4, MEMBER_STRING, NULL },          { "type", 6, MEMBER_STRING, NULL },
  { "uniqueItems", 20, MEMBER_BOOLEAN, NULL }, { NULL },
};
static const Member path_v2_members[] = {
  { "required", 1, MEMBER_BOOLEAN, NULL },     { "in", 2, MEMBER_STRING, NULL },
  { "name", 4, MEMBER_STRING, NULL },          { "type", 5, MEMBER_STRING, NULL },
  { "uniqueItems", 19, MEMBER_BOOLEAN, NULL }, { NULL },
};
static const Message body_v2 = { body_v2_members }, query_v2 = { query_v2_members }, path_v2 = { path_v2_members };
static const Message parameter_v2 = { NULL };

static const Member response_v2_members[] = {
  { "description", 1, MEMBER_STRING, NULL },
  { "schema", 2, MEMBER_ITEMS, &schema_v2 }, /* {schema = 1} */
  { NULL },
};
static const Message response_v2 = { response_v2_members, .plain_number = 1 };
static const Message responses_v2 = { NULL, .rest = 1, .rest_type = &response_v2 };

static const Member operation_v2_members[] = {
  { "tags", 1, MEMBER_STRINGS, NULL },
  { "operationId", 5, MEMBER_STRING, NULL },
  { "produces", 6, MEMBER_STRINGS, NULL },
  { "consumes", 7, MEMBER_STRINGS, NULL },
  { "parameters", 8, MEMBER_MESSAGES, &parameter_v2 },
  { "responses", 9, MEMBER_MESSAGE, &responses_v2 },
  { "schemes", 10, MEMBER_STRINGS, NULL },
  { NULL },
};
static const Message operation_v2 = { operation_v2_members, .extensions = 13 };

static const Member path_item_v2_members[] = {
  { "get", 2, MEMBER_MESSAGE, &operation_v2 },
  { "put", 3, MEMBER_MESSAGE, &operation_v2 },
  { "post", 4, MEMBER_MESSAGE, &operation_v2 },
  { "delete", 5, MEMBER_MESSAGE, &operation_v2 },
  { "patch", 8, MEMBER_MESSAGE, &operation_v2 },
  { "parameters", 9, MEMBER_MESSAGES, &parameter_v2 },
  { NULL },
};
static const Message path_item_v2 = { path_item_v2_members };
static const Message paths_v2 = { NULL, .rest = 2, .rest_type = &path_item_v2 };

static const Member info_v2_members[] = { { "title", 1, MEMBER_STRING, NULL }, { "version", 2, MEMBER_STRING, NULL }, { NULL } };
static const Message info_v2 = { info_v2_members };
static const Message definitions_v2 = { NULL, .rest = 1, .rest_type = &schema_v2 };

static const Member document_v2_members[] = {
  { "swagger", 1, MEMBER_STRING, NULL },
  { "info", 2, MEMBER_MESSAGE, &info_v2 },
  { "paths", 8, MEMBER_MESSAGE, &paths_v2 },
  { "definitions", 9, MEMBER_MESSAGE, &definitions_v2 },
  { NULL },
};
static const Message document_v2 = { document_v2_members };

/* Version 3 */

static const Message schema_v3;

static const Member reference_v3_members[] = { { "$ref", 1, MEMBER_STRING, NULL }, { NULL } };
static const Message reference_v3 = { reference_v3_members };

static const Member schema_v3_members[] = {
  { "required", 23, MEMBER_STRINGS, NULL },
  { "enum", 24, MEMBER_ANY_LIST, NULL },
  { "type", 25, MEMBER_STRING, NULL },
  { "allOf", 26, MEMBER_MESSAGES, &schema_v3 },
  { "oneOf", 27, MEMBER_MESSAGES, &schema_v3 },
  { "items", 30, MEMBER_ITEMS, &schema_v3 },
  { "properties", 31, MEMBER_NAMED, &schema_v3 },
  { "additionalProperties", 32, MEMBER_ITEMS, &schema_v3 }, /* {schema_or_reference = 1} has the same form */
  { "default", 33, MEMBER_DEFAULT_V3, NULL },
  { "description", 34, MEMBER_STRING, NULL },
  { "format", 35, MEMBER_STRING, NULL },
  { "uniqueItems", 20, MEMBER_BOOLEAN, NULL },
  { NULL },
};
static const Message schema_v3 = { schema_v3_members, &reference_v3, 1, 2, .extensions = 36 };

static const Member parameter_v3_members[] = {
  { "name", 1, MEMBER_STRING, NULL },
  { "in", 2, MEMBER_STRING, NULL },
  { "required", 4, MEMBER_BOOLEAN, NULL },
  { "schema", 10, MEMBER_MESSAGE, &schema_v3 },
  { NULL },
};
static const Message parameter_v3 = { parameter_v3_members, .plain_number = 1 };

static const Member media_v3_members[] = { { "schema", 1, MEMBER_MESSAGE, &schema_v3 }, { NULL } };
static const Message media_v3 = { media_v3_members };

static const Member body_v3_members[]
    = { { "content", 2, MEMBER_NAMED, &media_v3 }, { "required", 3, MEMBER_BOOLEAN, NULL }, { NULL } };
static const Message body_v3 = { body_v3_members, .plain_number = 1 };

static const Member response_v3_members[]
    = { { "description", 1, MEMBER_STRING, NULL }, { "content", 3, MEMBER_NAMED, &media_v3 }, { NULL } };
static const Message response_v3 = { response_v3_members, .plain_number = 1 };
static const Message responses_v3 = { NULL, .rest = 2, .rest_type = &response_v3 };

static const Member operation_v3_members[] = {
  { "tags", 1, MEMBER_STRINGS, NULL },
  { "operationId", 5, MEMBER_STRING, NULL },
  { "parameters", 6, MEMBER_MESSAGES, &parameter_v3 },
  { "requestBody", 7, MEMBER_MESSAGE, &body_v3 },
  { "responses", 8, MEMBER_MESSAGE, &responses_v3 },
  { NULL },
};
static const Message operation_v3 = { operation_v3_members, .extensions = 13 };

static const Member path_item_v3_members[] = {
  { "get", 4, MEMBER_MESSAGE, &operation_v3 },
  { "put", 5, MEMBER_MESSAGE, &operation_v3 },
  { "post", 6, MEMBER_MESSAGE, &operation_v3 },
  { "delete", 7, MEMBER_MESSAGE, &operation_v3 },
  { "patch", 10, MEMBER_MESSAGE, &operation_v3 },
  { "parameters", 13, MEMBER_MESSAGES, &parameter_v3 },
  { NULL },
};
static const Message path_item_v3 = { path_item_v3_members };
static const Message paths_v3 = { NULL, .rest = 1, .rest_type = &path_item_v3 };

static const Member info_v3_members[] = { { "title", 1, MEMBER_STRING, NULL }, { "version", 6, MEMBER_STRING, NULL }, { NULL } };
static const Message info_v3 = { info_v3_members };

static const Member components_v3_members[] = { { "schemas", 1, MEMBER_NAMED, &schema_v3 }, { NULL } };
static const Message components_v3 = { components_v3_members };

static const Member document_v3_members[] = {
  { "openapi", 1, MEMBER_STRING, NULL },
  { "info", 2, MEMBER_MESSAGE, &info_v3 },
  { "paths", 4, MEMBER_MESSAGE, &paths_v3 },
  { "components", 5, MEMBER_MESSAGE, &components_v3 },
  { NULL },
};
static const Message document_v3 = { document_v3_members };

static void
write_parameter_v2 (GByteArray *out, KubeValue *value)
{
  g_autoptr (GByteArray) inner = g_byte_array_new ();
  g_autoptr (GByteArray) parameter = g_byte_array_new ();
  guint which = wrap_parameter_v2 (value);

  write_members (inner, which == 0 ? &body_v2 : which == 4 ? &path_v2 : &query_v2, value);
  if (which == 0) {
    kube_wire_put_bytes (parameter, 1, inner->data, inner->len);
  } else {
    g_autoptr (GByteArray) other = g_byte_array_new ();

    kube_wire_put_bytes (other, which, inner->data, inner->len);
    kube_wire_put_bytes (parameter, 2, other->data, other->len);
  }
  kube_wire_put_bytes (out, 1, parameter->data, parameter->len);
}

static void
write_message (GByteArray *out, const Message *type, KubeValue *value)
{
  gboolean refers = type->reference != NULL && kube_value_get_member (value, "$ref") != NULL;
  const Message *actual = refers ? type->reference : type;
  guint number = refers ? type->reference_number : type->plain_number;
  g_autoptr (GByteArray) inner = NULL;

  if (type == &parameter_v2) {
    write_parameter_v2 (out, value);
    return;
  }
  if (number == 0) {
    write_members (out, actual, value);
    return;
  }
  inner = g_byte_array_new ();
  write_members (inner, actual, value);
  kube_wire_put_bytes (out, number, inner->data, inner->len);
}

GBytes *
kube_openapi_v2_to_protobuf (KubeValue *document)
{
  GByteArray *out = g_byte_array_new ();

  write_message (out, &document_v2, document);
  return g_byte_array_free_to_bytes (out);
}

GBytes *
kube_openapi_v3_to_protobuf (KubeValue *document)
{
  GByteArray *out = g_byte_array_new ();

  write_message (out, &document_v3, document);
  return g_byte_array_free_to_bytes (out);
}
