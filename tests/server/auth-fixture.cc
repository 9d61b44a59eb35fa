/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "auth-fixture.h"

void
AuthTest::SetUp ()
{
  g_autoptr (GError) error = NULL;
  store = kube_store_memory_new ();
  hub = kube_hub_new (store, 0);
  scheme = KUBE_SCHEME (g_object_ref (kube_scheme_get_default ()));
  clock = kube_virtual_clock_new (G_GINT64_CONSTANT (1700000000) * G_USEC_PER_SEC);
  KubeAuthOptions options = {};
  options.store = store;
  options.hub = hub;
  options.scheme = scheme;
  options.clock = KUBE_CLOCK (clock);
  auth = kube_auth_new (&options, &error);
  ASSERT_NE (auth, nullptr) << error->message;
}

void
AuthTest::TearDown ()
{
  kube_auth_free (auth);
  kube_hub_close (hub);
  g_object_unref (hub);
  g_object_unref (store);
  g_object_unref (scheme);
  g_object_unref (clock);
}

void
AuthTest::put (KubeObject *o)
{
  g_autoptr (GError) error = NULL;
  KubeKind *kind = kube_scheme_find_kind (scheme, kube_object_get_api_version (o), kube_object_get_kind (o));
  g_autofree char *key = kube_storage_key (kind, kube_object_get_namespace (o), kube_object_get_name (o));
  KubeStoreWrite write = {};
  write.key = key;
  write.value = kube_object_get_bytes (o);
  write.expected = KUBE_STORE_ANY_REVISION;
  write.revision_at = KUBE_STORE_NO_OFFSET;
  ASSERT_NE (kube_store_write_sync (store, &write, &error), 0u) << error->message;
}

void
AuthTest::put (const char *json)
{
  g_autoptr (KubeObject) o = object (json);
  put (o);
}

void
AuthTest::remove (const char *api_version, const char *kind, const char *namespace_, const char *name)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *key = kube_storage_key (kube_scheme_find_kind (scheme, api_version, kind), namespace_, name);
  KubeStoreWrite write = {};
  write.key = key;
  write.expected = KUBE_STORE_ANY_REVISION;
  write.revision_at = KUBE_STORE_NO_OFFSET;
  write.remove = TRUE;
  ASSERT_NE (kube_store_write_sync (store, &write, &error), 0u) << error->message;
}

void
AuthTest::put_bootstrap_policy ()
{
  g_autoptr (GPtrArray) policy = kube_auth_get_bootstrap_policy ();
  for (guint i = 0; i < policy->len; i++)
    put ((KubeObject *) g_ptr_array_index (policy, i));
}

KubeObject *
AuthTest::object (const char *json)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (KubeValue) value = kube_value_parse (json, -1, &error);
  EXPECT_NE (value, nullptr) << error->message << "\n" << json;
  return kube_object_new (value);
}

KubeRequestInfo
Ask::info () const
{
  KubeRequestInfo i = {};
  i.is_resource = path.empty ();
  i.verb = verb.c_str ();
  i.path = (char *) path.c_str ();
  i.group = (char *) group.c_str ();
  i.version = (char *) "v1";
  i.resource = (char *) resource.c_str ();
  i.subresource = (char *) subresource.c_str ();
  i.namespace_ = (char *) namespace_.c_str ();
  i.name = (char *) name.c_str ();
  return i;
}

KubeUser *
make_user (const char *name, std::vector<const char *> groups)
{
  groups.push_back (NULL);
  return kube_user_new (name, NULL, groups.data (), NULL);
}

typedef struct {
  KubeCall parent;
  std::vector<std::pair<std::string, std::string>> *headers;
} HeaderCall;
typedef struct {
  KubeCallClass parent;
} HeaderCallClass;

static GType header_call_get_type (void);
G_DEFINE_TYPE (HeaderCall, header_call, KUBE_TYPE_CALL)

static void
header_call_init (HeaderCall *)
{
}

static void
header_call_finalize (GObject *object)
{
  delete ((HeaderCall *) object)->headers;
  G_OBJECT_CLASS (header_call_parent_class)->finalize (object);
}

static const char *
get_header (KubeCall *call, const char *name)
{
  for (auto &header : *((HeaderCall *) call)->headers) {
    if (g_ascii_strcasecmp (header.first.c_str (), name) == 0)
      return header.second.c_str ();
  }
  return NULL;
}

static void
foreach_header (KubeCall *call, KubeCallHeaderFunc func, gpointer user_data)
{
  for (auto &header : *((HeaderCall *) call)->headers)
    func (header.first.c_str (), header.second.c_str (), user_data);
}

static void
header_call_class_init (HeaderCallClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = header_call_finalize;
  KUBE_CALL_CLASS (klass)->get_header = get_header;
  KUBE_CALL_CLASS (klass)->foreach_header = foreach_header;
}

KubeCall *
make_call (std::vector<std::pair<std::string, std::string>> headers, KubeUser *peer, const char *peer_error)
{
  HeaderCall *call = (HeaderCall *) g_object_new (header_call_get_type (), NULL);
  KubeCallRequest request = {};
  call->headers = new std::vector<std::pair<std::string, std::string>> (std::move (headers));
  request.method = "GET";
  request.path = "/api";
  request.remote = "127.0.0.1";
  request.peer = peer;
  request.peer_error = peer_error;
  kube_call_set_request (KUBE_CALL (call), &request);
  return KUBE_CALL (call);
}
