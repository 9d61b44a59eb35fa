/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kube-pod-warnings.h"
#include <arpa/inet.h>

/* Addresses and ranges that are good, but written as nothing else prints them. Where validation has refused them nothing is said. */

static gboolean
print_canonical (const char *text, struct in6_addr *address, char canonical[static INET6_ADDRSTRLEN])
{
  return inet_pton (AF_INET6, text, address) == 1 && inet_ntop (AF_INET6, address, canonical, INET6_ADDRSTRLEN) != NULL;
}

void
kube_address_warn (KubeOperation *op, const char *path, const char *text)
{
  struct in6_addr address;
  char canonical[INET6_ADDRSTRLEN];

  if (text == NULL || !print_canonical (text, &address, canonical))
    return;
  if (IN6_IS_ADDR_V4MAPPED (&address))
    kube_warn (op, "%s: non-standard IP address \"%s\" will be considered invalid in a future Kubernetes release: use \"%s\"",
               path, text, strrchr (canonical, ':') + 1);
  else if (!g_str_equal (canonical, text))
    kube_warn (op, "%s: IPv6 address \"%s\" should be in RFC 5952 canonical format (\"%s\")", path, text, canonical);
}

void
kube_range_warn (KubeOperation *op, const char *path, const char *text)
{
  const char *slash = text != NULL ? strchr (text, '/') : NULL;
  g_autofree char *start = slash != NULL ? g_strndup (text, (gsize) (slash - text)) : NULL;
  struct in6_addr address;
  char canonical[INET6_ADDRSTRLEN];

  if (start != NULL && print_canonical (start, &address, canonical) && !g_str_equal (canonical, start))
    kube_warn (op, "%s: IPv6 CIDR value \"%s\" should be in RFC 5952 canonical format (\"%s%s\")", path, text, canonical, slash);
}
