/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kube-call.h"
#include "kube-protobuf.h"
#include "kube-wire.h"
#include "server-fixture.h"
#include "wait-until.h"

namespace {

typedef struct {
  KubeCall parent;
  std::string *accept, *type, *body;
  int status;
} FormCall;
typedef struct {
  KubeCallClass parent;
} FormCallClass;

GType form_call_get_type (void);
G_DEFINE_TYPE (FormCall, form_call, KUBE_TYPE_CALL)

void
form_call_init (FormCall *call)
{
  call->accept = new std::string;
  call->type = new std::string;
  call->body = new std::string;
}

void
append (KubeCall *call, GBytes *body)
{
  ((FormCall *) call)->body->append ((const char *) g_bytes_get_data (body, nullptr), g_bytes_get_size (body));
}

void
begin (KubeCall *call, int status, const char *type)
{
  ((FormCall *) call)->status = status;
  *((FormCall *) call)->type = type;
}

void
form_call_class_init (FormCallClass *klass)
{
  KubeCallClass *call = KUBE_CALL_CLASS (klass);
  G_OBJECT_CLASS (klass)->finalize = [] (GObject *object) {
    FormCall *self = (FormCall *) object;
    delete self->accept;
    delete self->type;
    delete self->body;
    G_OBJECT_CLASS (form_call_parent_class)->finalize (object);
  };
  call->get_header = [] (KubeCall *self, const char *name) -> const char * { return g_ascii_strcasecmp (name, "Accept") == 0 ? ((FormCall *) self)->accept->c_str () : nullptr; };
  call->respond = [] (KubeCall *self, int status, const char *type, GBytes *body) {
    begin (self, status, type);
    append (self, body);
  };
  call->begin_stream = begin;
  call->push = append;
  call->end_stream = [] (KubeCall *, const GError *) {};
}

/* What a body of protobuf says, as the JSON form would have it. */
KubeValue *
read (const std::string &body, std::string *kind)
{
  g_autofree char *api_version = nullptr, *name = nullptr;
  g_autoptr (GError) error = nullptr;
  const guint8 *raw;
  gsize length;
  EXPECT_TRUE (kube_protobuf_open ((const guint8 *) body.data (), body.size (), &api_version, &name, &raw, &length, &error)) << body;
  *kind = std::string (api_version) + " " + name;
  KubeKind *map = KUBE_KIND ("v1", "ConfigMap"), *known = KUBE_KIND (api_version, name);
  return kube_protobuf_decode (known != nullptr ? known->type : map->list_type, raw, length, nullptr);
}

class KubeAnswer : public Server {
protected:
  void SetUp () override
  {
    static const char *const masters[] = { "system:masters", nullptr };
    Server::SetUp ();
    user = kube_user_new ("admin", nullptr, masters, nullptr);
    for (const char *name : { "a", "b", "c" })
      create ("ConfigMap", std::string (R"({"metadata":{"name":")") + name + R"(","labels":{"l":"v"}},"data":{"key":"value of )" + name + R"("},"binaryData":{"raw":"AAEC"}})");
  }
  void TearDown () override
  {
    g_clear_object (&call);
    kube_user_unref (user);
    Server::TearDown ();
  }
  void ask (const std::string &query, const std::string &accept = KUBE_PROTOBUF, const char *name = "")
  {
    ask_path (std::string ("/api/v1/namespaces/default/configmaps") + name, query, accept);
  }
  void ask_path (const std::string &path, const std::string &query, const std::string &accept)
  {
    g_clear_object (&call);
    call = (FormCall *) g_object_new (form_call_get_type (), nullptr);
    *call->accept = accept;
    KubeCallRequest request = {};
    request.method = "GET";
    request.path = path.c_str ();
    request.query = query.c_str ();
    request.remote = "test";
    request.peer = user;
    kube_call_set_request (KUBE_CALL (call), &request);
    kube_server_handle (server, KUBE_CALL (call));
    EXPECT_TRUE (wait_until ([&] { return call->status != 0; }));
  }
  /* The next event of a watch's body, taken off it. */
  std::string event (std::string *object)
  {
    std::string &body = *call->body;
    EXPECT_TRUE (wait_until ([&] { return body.size () > 4 && body.size () >= 4 + size (body); }));
    KubeWire wire = { (const guint8 *) body.data () + 4, size (body) }, raw;
    KubeWireField field;
    gboolean broken = FALSE;
    EXPECT_TRUE (kube_wire_next (&wire, &field, &broken) && field.number == 1);
    std::string type ((const char *) field.bytes.data, field.bytes.length);
    EXPECT_TRUE (kube_wire_next (&wire, &field, &broken) && field.number == 2);
    raw = field.bytes;
    EXPECT_TRUE (kube_wire_next (&raw, &field, &broken) && field.number == 1);
    object->assign ((const char *) field.bytes.data, field.bytes.length);
    body.erase (0, 4 + size (body));
    return type;
  }
  static gsize size (const std::string &body)
  {
    guint32 number;
    memcpy (&number, body.data (), 4);
    return GUINT32_FROM_BE (number);
  }

  static constexpr const char *KUBE_PROTOBUF = "application/vnd.kubernetes.protobuf", *PARTIAL = "application/vnd.kubernetes.protobuf;as=PartialObjectMetadata;g=meta.k8s.io;v=v1";
  KubeUser *user;
  FormCall *call = nullptr;
  std::string kind;
};

TEST_F (KubeAnswer, AnObjectSaysWhatItsJsonSays)
{
  ask ("", KUBE_PROTOBUF, "/a");
  EXPECT_EQ (call->status, 200);
  EXPECT_EQ (*call->type, KUBE_PROTOBUF);
  g_autoptr (KubeValue) value = read (*call->body, &kind);
  EXPECT_EQ (kind, "v1 ConfigMap");
  EXPECT_STREQ (kube_value_get_string (value, "data.key"), "value of a");
  EXPECT_STREQ (kube_value_get_string (value, "binaryData.raw"), "AAEC");
  Answer json = get ("ConfigMap", "a");
  EXPECT_EQ (kube_value_get_string (value, "metadata.resourceVersion"), json.at ("metadata.resourceVersion"));
  EXPECT_EQ (kube_value_get_string (value, "metadata.creationTimestamp"), json.at ("metadata.creationTimestamp"));
}

TEST_F (KubeAnswer, AListComesInPages)
{
  ask ("limit=2");
  EXPECT_EQ (*call->type, KUBE_PROTOBUF);
  g_autoptr (KubeValue) first = read (*call->body, &kind);
  EXPECT_EQ (kind, "v1 ConfigMapList");
  EXPECT_EQ (kube_value_get_length (kube_value_get (first, "items")), 2u);
  EXPECT_EQ (kube_value_get_integer (first, "metadata.remainingItemCount", 0), 1);
  EXPECT_STREQ (kube_value_get_string (kube_value_get_element (kube_value_get (first, "items"), 1), "data.key"), "value of b");
  ask (std::string ("limit=2&continue=") + kube_value_get_string (first, "metadata.continue"));
  g_autoptr (KubeValue) second = read (*call->body, &kind);
  ASSERT_EQ (kube_value_get_length (kube_value_get (second, "items")), 1u);
  EXPECT_STREQ (kube_value_get_string (kube_value_get_element (kube_value_get (second, "items"), 0), "data.key"), "value of c");
  EXPECT_STREQ (kube_value_get_string (second, "metadata.resourceVersion"), kube_value_get_string (first, "metadata.resourceVersion"));
}

TEST_F (KubeAnswer, ALargeListTakesTurnsAndComesWhole)
{
  for (int i = 0; i < 100; i++)
    create ("ConfigMap", R"({"metadata":{"name":"large-)" + std::to_string (i) + R"("},"data":{"key":")" + std::string (10000, 'x') + R"("}})");
  int turns = 0;
  GSource *other = g_idle_source_new ();
  g_source_set_priority (other, G_PRIORITY_DEFAULT);
  g_source_set_callback (other, [] (gpointer data) -> gboolean { return ++*static_cast<int *> (data), G_SOURCE_CONTINUE; }, &turns, nullptr);
  g_source_attach (other, nullptr);
  ask ("limit=100");
  g_source_destroy (other);
  g_source_unref (other);
  EXPECT_GE (turns, 3) << "each quarter of a megabyte";
  EXPECT_EQ (*call->type, KUBE_PROTOBUF);
  g_autoptr (KubeValue) list = read (*call->body, &kind);
  EXPECT_EQ (kube_value_get_length (kube_value_get (list, "items")), 100u);
  EXPECT_EQ (kube_value_get_integer (list, "metadata.remainingItemCount", 0), 3);
}

TEST_F (KubeAnswer, WhatIsTooLargeForYamlIsRefused)
{
  for (int i = 0; i < 26; i++)
    create ("ConfigMap", R"({"metadata":{"name":"large-)" + std::to_string (i) + R"("},"data":{"key":")" + std::string (1000000, 'x') + R"("}})");
  ask ("", "application/yaml");
  EXPECT_EQ (call->status, 413);
  EXPECT_EQ (*call->type, "application/json");
  ask ("limit=5", "application/yaml");
  EXPECT_EQ (call->status, 200);
  EXPECT_EQ (*call->type, "application/yaml");
  ask ("");
  EXPECT_EQ (call->status, 200);
  g_autoptr (KubeValue) list = read (*call->body, &kind);
  EXPECT_EQ (kube_value_get_length (kube_value_get (list, "items")), 29u);
}

TEST_F (KubeAnswer, MetadataAloneHasAFormToo)
{
  ask ("", PARTIAL, "/a");
  g_autoptr (KubeValue) one = read (*call->body, &kind);
  EXPECT_EQ (kind, "meta.k8s.io/v1 PartialObjectMetadata");
  EXPECT_STREQ (kube_value_get_string (one, "metadata.labels.l"), "v");
  ask ("", PARTIAL);
  g_autoptr (KubeValue) list = read (*call->body, &kind);
  EXPECT_EQ (kind, "meta.k8s.io/v1 PartialObjectMetadataList");
  EXPECT_EQ (kube_value_get_length (kube_value_get (list, "items")), 3u);
  EXPECT_EQ (call->body->find ("value of"), std::string::npos);
}

TEST_F (KubeAnswer, VerbsOfDiscoveryAreAMessageOfTheirOwn)
{
  ask_path ("/apis/node.k8s.io/v1", "", KUBE_PROTOBUF);
  EXPECT_EQ (*call->type, KUBE_PROTOBUF);
  std::string verbs;
  for (const char *verb : { "create", "delete", "deletecollection", "get", "list", "patch", "update", "watch" })
    verbs += std::string ("\x0a") + (char) strlen (verb) + verb;
  EXPECT_NE (call->body->find (std::string ("\x22") + (char) verbs.size () + verbs), std::string::npos) << "field 4, with items as its field 1";
}

TEST_F (KubeAnswer, TablesHaveNone)
{
  static const char table[] = ";as=Table;g=meta.k8s.io;v=v1";
  ask ("", std::string (KUBE_PROTOBUF) + table + ",application/json" + table);
  EXPECT_EQ (*call->type, "application/json");
  ask ("", std::string (KUBE_PROTOBUF) + table);
  EXPECT_EQ (call->status, 406);
}

TEST_F (KubeAnswer, ErrorsAreStatuses)
{
  ask ("", KUBE_PROTOBUF, "/nosuch");
  EXPECT_EQ (call->status, 404);
  EXPECT_EQ (*call->type, KUBE_PROTOBUF);
  g_autoptr (KubeValue) status = read (*call->body, &kind);
  EXPECT_EQ (kind, "v1 Status");
  EXPECT_STREQ (kube_value_get_string (status, "reason"), "NotFound");
  EXPECT_STREQ (kube_value_get_string (status, "details.name"), "nosuch");
  EXPECT_EQ (kube_value_get_integer (status, "code", 0), 404);
}

TEST_F (KubeAnswer, AWatchSendsFrames)
{
  std::string object;
  ask ("watch=1&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true");
  EXPECT_EQ (*call->type, std::string (KUBE_PROTOBUF) + ";stream=watch");
  for (const char *name : { "a", "b", "c" }) {
    EXPECT_EQ (event (&object), "ADDED");
    g_autoptr (KubeValue) value = read (object, &kind);
    EXPECT_STREQ (kube_value_get_string (value, "metadata.name"), name);
  }
  EXPECT_EQ (event (&object), "BOOKMARK");
  patch ("ConfigMap", "a", R"({"data":{"key":"other"}})");
  EXPECT_EQ (event (&object), "MODIFIED");
  g_autoptr (KubeValue) changed = read (object, &kind);
  EXPECT_STREQ (kube_value_get_string (changed, "data.key"), "other");
  remove ("ConfigMap", "b");
  EXPECT_EQ (event (&object), "DELETED");
  kube_call_gone (KUBE_CALL (call));
}

TEST_F (KubeAnswer, AWatchOfMetadataMarksItsPlaceInThatForm)
{
  std::string object;
  ask ("watch=1&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true&fieldSelector=metadata.name%3Da", PARTIAL);
  for (const char *type : { "ADDED", "BOOKMARK" }) {
    EXPECT_EQ (event (&object), type);
    g_autoptr (KubeValue) value = read (object, &kind);
    EXPECT_EQ (kind, "meta.k8s.io/v1 PartialObjectMetadata");
    EXPECT_NE (kube_value_get_string (value, "metadata.resourceVersion"), nullptr);
  }
  kube_call_gone (KUBE_CALL (call));
}

TEST_F (KubeAnswer, AWatchThatIsTooNewIsToldAStatus)
{
  std::string object;
  ask ("watch=1&resourceVersion=1000000");
  EXPECT_EQ (event (&object), "ERROR");
  g_autoptr (KubeValue) status = read (object, &kind);
  EXPECT_EQ (kind, "v1 Status");
  EXPECT_STREQ (kube_value_get_string (status, "reason"), "Timeout");
}

}
