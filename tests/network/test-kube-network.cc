/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <gtest/gtest.h>
#include <kube/sys/kube-network.h>
#include <arpa/inet.h>
#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>
#include "kube-netlink.h"

namespace {

struct Answer {
  GAsyncResult *result = NULL;
  ~Answer ()
  {
    g_clear_object (&result);
  }
  static void on_done (GObject *, GAsyncResult *result, gpointer data)
  {
    ((Answer *) data)->result = G_ASYNC_RESULT (g_object_ref (result));
  }
  void wait ()
  {
    while (result == NULL)
      g_main_context_iteration (NULL, TRUE);
  }
};

std::string
attach (KubeNetwork *network, const char *uid, const char *netns, GError **error = NULL)
{
  Answer answer;
  kube_network_attach_async (network, uid, netns, NULL, Answer::on_done, &answer);
  answer.wait ();
  g_auto (GStrv) addresses = kube_network_attach_finish (network, answer.result, error);
  return addresses != NULL ? addresses[0] : "";
}

bool
detach (KubeNetwork *network, const char *uid)
{
  Answer answer;
  kube_network_detach_async (network, uid, NULL, Answer::on_done, &answer);
  answer.wait ();
  return kube_network_detach_finish (network, answer.result, NULL);
}

/* A pod's network namespace, held by a descriptor. */
struct Pod {
  int fd = -1;
  std::string path;
  Pod ()
  {
    int home = open ("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
    if (unshare (CLONE_NEWNET) == 0)
      fd = open ("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
    setns (home, CLONE_NEWNET);
    close (home);
    path = "/proc/self/fd/" + std::to_string (fd);
  }
  ~Pod ()
  {
    close (fd);
  }
  /* What connecting to a closed port says from inside: ECONNREFUSED where packets go both ways. */
  int knock (const char *address)
  {
    int home = open ("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
    setns (fd, CLONE_NEWNET);
    int s = socket (AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    setns (home, CLONE_NEWNET);
    close (home);
    struct timeval patience = { 3, 0 };
    setsockopt (s, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
    struct sockaddr_in to = {};
    to.sin_family = AF_INET;
    to.sin_port = htons (9);
    inet_pton (AF_INET, address, &to.sin_addr);
    int code = connect (s, (struct sockaddr *) &to, sizeof to) == 0 ? 0 : errno;
    close (s);
    return code;
  }
};

/* The test lives in a network namespace of its own, so that it meets no other and changes nothing of the host's. */
struct KubeNetworkBridgeTest : testing::Test {
  static void SetUpTestSuite ()
  {
    if (geteuid () == 0)
      own = unshare (CLONE_NEWNET) == 0;
  }
  void SetUp () override
  {
    if (!own)
      GTEST_SKIP () << "needs root for network namespaces";
  }
  static bool own;
};
bool KubeNetworkBridgeTest::own = false;

std::string
hardware_address (const char *link)
{
  struct ifreq request = {};
  int s = socket (AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  g_strlcpy (request.ifr_name, link, sizeof request.ifr_name);
  int result = ioctl (s, SIOCGIFHWADDR, &request);
  close (s);
  return result == 0 ? std::string (request.ifr_hwaddr.sa_data, 6) : "";
}

guint
count_links ()
{
  g_autoptr (KubeNetlink) netlink = kube_netlink_open (-1, NULL);
  g_autoptr (GPtrArray) links = kube_netlink_list_links (netlink, NULL);
  return links->len;
}

}

TEST (KubeNetworkSim, GivesAndFreesAddresses)
{
  g_autoptr (KubeNetwork) network = kube_network_sim_new ();
  g_autoptr (GError) error = NULL;
  EXPECT_EQ (attach (network, "u", "", &error), "");
  EXPECT_TRUE (g_error_matches (error, KUBE_ERROR, KUBE_ERROR_SERVICE_UNAVAILABLE));
  ASSERT_TRUE (kube_network_set_up (network, "10.244.0.0/24", NULL, NULL));
  EXPECT_EQ (attach (network, "u", ""), "10.244.0.2");
  EXPECT_EQ (attach (network, "v", ""), "10.244.0.3");
  EXPECT_TRUE (detach (network, "u"));
  EXPECT_EQ (kube_network_lookup (network, "u"), nullptr);
  g_auto (GStrv) all = kube_network_list (network);
  EXPECT_EQ (g_strv_length (all), 1u);
}

TEST_F (KubeNetworkBridgeTest, PodsReachTheHostAndEachOther)
{
  g_autoptr (KubeNetwork) network = kube_network_bridge_new ("kt0");
  g_autoptr (GError) error = NULL;
  ASSERT_TRUE (kube_network_set_up (network, "10.244.5.0/24", "10.244.0.0/16", &error)) << error->message;
  Pod a, b;
  gint64 begin = g_get_monotonic_time ();
  ASSERT_EQ (attach (network, "uid-a", a.path.c_str (), &error), "10.244.5.2") << error->message;
  RecordProperty ("attach_us", (int) (g_get_monotonic_time () - begin));
  ASSERT_EQ (attach (network, "uid-b", b.path.c_str (), &error), "10.244.5.3");
  EXPECT_EQ (attach (network, "uid-a", a.path.c_str ()), "10.244.5.2") << "an attached pod keeps its address";
  EXPECT_EQ (a.knock ("10.244.5.1"), ECONNREFUSED);
  EXPECT_EQ (a.knock ("10.244.5.3"), ECONNREFUSED);
  EXPECT_EQ (a.knock ("127.0.0.1"), ECONNREFUSED);
  EXPECT_TRUE (detach (network, "uid-a"));
  EXPECT_TRUE (detach (network, "uid-a")) << "twice is no error";
  EXPECT_TRUE (kube_network_clean_up (network, &error));
  EXPECT_EQ (count_links (), 1u) << "only loopback is left";
}

TEST_F (KubeNetworkBridgeTest, TheGatewayKeepsItsHardwareAddressAsPodsComeAndGo)
{
  g_autoptr (KubeNetwork) network = kube_network_bridge_new ("kt4");
  ASSERT_TRUE (kube_network_set_up (network, "10.244.8.0/24", "10.244.0.0/16", NULL));
  std::string before = hardware_address ("kt4");
  EXPECT_NE (before, "");
  Pod pods[8];
  for (Pod &pod : pods) {
    EXPECT_NE (attach (network, pod.path.c_str (), pod.path.c_str ()), "");
    EXPECT_EQ (hardware_address ("kt4"), before);
  }
  for (Pod &pod : pods) {
    EXPECT_TRUE (detach (network, pod.path.c_str ()));
    EXPECT_EQ (hardware_address ("kt4"), before);
  }
  EXPECT_TRUE (kube_network_clean_up (network, NULL));
}

TEST_F (KubeNetworkBridgeTest, ALaterProcessFindsWhatIsGivenOut)
{
  Pod a, b;
  {
    g_autoptr (KubeNetwork) network = kube_network_bridge_new ("kt1");
    ASSERT_TRUE (kube_network_set_up (network, "10.244.6.0/24", NULL, NULL));
    EXPECT_EQ (attach (network, "uid-a", a.path.c_str ()), "10.244.6.2");
  }
  g_autoptr (KubeNetwork) network = kube_network_bridge_new ("kt1");
  ASSERT_TRUE (kube_network_set_up (network, "10.244.6.0/24", NULL, NULL));
  g_auto (GStrv) found = kube_network_lookup (network, "uid-a");
  ASSERT_NE (found, nullptr);
  EXPECT_STREQ (found[0], "10.244.6.2");
  EXPECT_EQ (attach (network, "uid-b", b.path.c_str ()), "10.244.6.3");
  EXPECT_TRUE (kube_network_clean_up (network, NULL));
}

TEST_F (KubeNetworkBridgeTest, LeavesAlienLinksAlone)
{
  g_autoptr (KubeNetlink) netlink = kube_netlink_open (-1, NULL);
  ASSERT_TRUE (kube_netlink_add_bridge (netlink, "kt2", "somebody else", NULL));
  g_autoptr (KubeNetwork) network = kube_network_bridge_new ("kt2");
  g_autoptr (GError) error = NULL;
  EXPECT_FALSE (kube_network_set_up (network, "10.244.7.0/24", NULL, &error));
  EXPECT_TRUE (g_error_matches (error, KUBE_ERROR, KUBE_ERROR_ALREADY_EXISTS));
  EXPECT_TRUE (kube_network_clean_up (network, NULL));
  EXPECT_EQ (count_links (), 2u);
  kube_netlink_delete_link (netlink, "kt2", NULL);
}

TEST_F (KubeNetworkBridgeTest, ABrokenNamespaceGivesTheAddressBack)
{
  g_autoptr (KubeNetwork) network = kube_network_bridge_new ("kt3");
  ASSERT_TRUE (kube_network_set_up (network, "10.244.8.0/24", NULL, NULL));
  g_autoptr (GError) error = NULL;
  EXPECT_EQ (attach (network, "uid", "/nowhere/netns", &error), "");
  ASSERT_NE (error, nullptr);
  EXPECT_EQ (kube_network_lookup (network, "uid"), nullptr);
  EXPECT_TRUE (kube_network_clean_up (network, NULL));
}
