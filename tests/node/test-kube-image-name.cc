/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <gtest/gtest.h>
#include "image/kube-image-private.h"

TEST (KubeImageName, IsNormalisedAsContainerdDoes)
{
  const char *const digest = "sha256:0123456789012345678901234567890123456789012345678901234567890123";
  const std::pair<std::string, std::string> cases[] = {
    { "nginx", "docker.io/library/nginx:latest" },
    { "nginx:1.27", "docker.io/library/nginx:1.27" },
    { "a/b", "docker.io/a/b:latest" },
    { "index.docker.io/nginx", "docker.io/library/nginx:latest" },
    { "localhost/web:1", "localhost/web:1" },
    { "localhost:5000/web", "localhost:5000/web:latest" },
    { "quay.io/x/y_z/a--b:T.1-x", "quay.io/x/y_z/a--b:T.1-x" },
    { std::string ("nginx@") + digest, std::string ("docker.io/library/nginx@") + digest },
    { std::string ("nginx:1@") + digest, std::string ("docker.io/library/nginx:1@") + digest },
  };
  for (auto &[in, out] : cases) {
    g_autoptr (GError) error = NULL;
    g_autofree char *got = kube_image_normalize_name (in.c_str (), &error);
    ASSERT_NE (got, nullptr) << in << ": " << error->message;
    EXPECT_EQ (got, out);
  }
}

TEST (KubeImageName, RefusesWhatIsNoReference)
{
  const std::pair<const char *, const char *> cases[] = {
    { "localhost/UPPER//x:1", "invalid reference format: repository name (UPPER//x) must be lowercase" },
    { "", "invalid reference format" },
    { "a//b", "invalid reference format" },
    { "a/b:", "invalid reference format" },
    { "a..b", "invalid reference format" },
    { "a___b", "invalid reference format" },
    { "-a", "invalid reference format" },
    { "a@sha256:12", "invalid reference format" },
    { "a b", "invalid reference format" },
  };
  for (auto &[in, message] : cases) {
    g_autoptr (GError) error = NULL;
    EXPECT_EQ (kube_image_normalize_name (in, &error), nullptr) << in;
    ASSERT_TRUE (g_error_matches (error, KUBE_ERROR, KUBE_ERROR_INVALID)) << in;
    EXPECT_STREQ (error->message, message) << in;
  }
}
