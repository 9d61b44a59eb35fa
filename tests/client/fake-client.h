/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <functional>
#include <kube/kube-client.h>
#include <memory>
#include <string>
#include <vector>

/* A KubeClient whose answers a test writes. Requests are kept until they are answered: at once where `answer` is set, else by the test. */

struct FakeCall {
  KubeRequest *request;
  GTask *task; /* NULL once answered */

  std::string option (const char *name) const;
  std::string path () const;
};

struct FakeAnswer {
  KubeResponse *response = NULL;
  GError *error = NULL;
};

struct FakeWatchInfo {
  KubeWatch *watch; /* NULL once it was let go */
  KubeRequest *request;
  bool started = false, stopped = false;

  std::string option (const char *name) const;
  void emit (KubeWatchEventType type, KubeObject *object);
  void close (GError *error); /* takes it */
};

struct FakeClient {
  KubeClient *client;
  std::function<FakeAnswer (FakeCall &)> answer;
  std::vector<std::unique_ptr<FakeCall> > calls;
  std::vector<std::unique_ptr<FakeWatchInfo> > watches;

  FakeClient ();
  ~FakeClient ();
  FakeCall &
  last ()
  {
    return *calls.back ();
  }
  FakeWatchInfo &
  watch ()
  {
    return *watches.back ();
  }
  static void respond (FakeCall &call, FakeAnswer answer);
};

FakeAnswer fake_error (KubeError code, const char *message);
FakeAnswer fake_object (const char *json); /* single quotes stand for double ones */
FakeAnswer fake_list (const std::vector<std::string> &objects, const char *resource_version, const char *continue_token = NULL);
KubeObject *fake_parse (std::string json);
/* A ConfigMap. */
std::string fake_map (const char *name, const char *resource_version, const char *extra = "", const char *uid = NULL);
