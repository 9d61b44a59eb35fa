/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <gtest/gtest.h>
#include "kube-address-pool.h"

static std::string
print (guint32 address)
{
  g_autofree char *text = kube_address_print (address);
  return text;
}

TEST (KubeAddressPool, GivesAddressesInOrderAndTheSameOwnerTheSame)
{
  g_autoptr (KubeAddressPool) pool = kube_address_pool_new ("10.244.3.0/24", NULL);
  ASSERT_NE (pool, nullptr);
  EXPECT_EQ (print (kube_address_pool_get_gateway (pool)), "10.244.3.1");
  EXPECT_EQ (print (kube_address_pool_take (pool, "a", NULL)), "10.244.3.2");
  EXPECT_EQ (print (kube_address_pool_take (pool, "b", NULL)), "10.244.3.3");
  EXPECT_EQ (print (kube_address_pool_take (pool, "a", NULL)), "10.244.3.2");
}

TEST (KubeAddressPool, AFreedAddressIsNotTheNextOne)
{
  g_autoptr (KubeAddressPool) pool = kube_address_pool_new ("10.0.0.0/29", NULL);
  kube_address_pool_take (pool, "a", NULL);
  kube_address_pool_give_back (pool, "a");
  EXPECT_EQ (print (kube_address_pool_take (pool, "b", NULL)), "10.0.0.3");
  EXPECT_EQ (kube_address_pool_find (pool, "a"), 0u);
}

TEST (KubeAddressPool, FullIsAnErrorAndNotTheBroadcastAddress)
{
  g_autoptr (KubeAddressPool) pool = kube_address_pool_new ("10.0.0.0/29", NULL);
  for (int i = 0; i < 5; i++) {
    g_autofree char *owner = g_strdup_printf ("o%d", i);
    EXPECT_EQ (print (kube_address_pool_take (pool, owner, NULL)), "10.0.0." + std::to_string (2 + i));
  }
  g_autoptr (GError) error = NULL;
  EXPECT_EQ (kube_address_pool_take (pool, "more", &error), 0u);
  ASSERT_NE (error, nullptr);
  kube_address_pool_give_back (pool, "o3");
  EXPECT_EQ (print (kube_address_pool_take (pool, "more", NULL)), "10.0.0.5");
}

TEST (KubeAddressPool, ClaimsOnlyWhatIsFreeAndInside)
{
  g_autoptr (KubeAddressPool) pool = kube_address_pool_new ("10.0.0.0/24", NULL);
  EXPECT_TRUE (kube_address_pool_claim (pool, "a", 0x0a000007));
  EXPECT_TRUE (kube_address_pool_claim (pool, "a", 0x0a000007));
  EXPECT_FALSE (kube_address_pool_claim (pool, "b", 0x0a000007));
  EXPECT_FALSE (kube_address_pool_claim (pool, "b", 0x0a000001));
  EXPECT_FALSE (kube_address_pool_claim (pool, "b", 0x0a000100));
}

TEST (KubeAddressPool, RefusesWhatIsNoNetwork)
{
  for (const char *bad : { "", "10.0.0.0", "10.0.0.0/31", "10.0.0.0/0", "x/24", "10.0.0.0/24x", "fd00::/64" }) {
    g_autoptr (GError) error = NULL;
    EXPECT_EQ (kube_address_pool_new (bad, &error), nullptr) << bad;
    EXPECT_TRUE (g_error_matches (error, KUBE_ERROR, KUBE_ERROR_INVALID)) << bad;
  }
}
