/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <gtest/gtest.h>

#include <string>

#include "kube-cel.h"

namespace
{

const char *const kVariables[] = { "object", "request", nullptr };

std::string
problem (const char *expression)
{
  g_autofree char *text = kube_cel_check (expression, kVariables);
  return text != nullptr ? text : "";
}

TEST (KubeCel, AcceptsWhatTheLanguageHas)
{
  for (const char *good :
       { "object.spec.replicas <= 5", "!has(object.metadata) || object.metadata.name.startsWith('a')", "object.list.all(x, x > 0 && object.list.exists(y, y == x))",
         "object.m.transformList(k, v, k + v)", "cel.bind(a, 1 + 2, a * a) == 9", "[1, 2u, 3.5e2, 0x1F, r'\\d', b\"x\", '''a\nb''']", "{'a': 1, 'b': [2][0]}", "true ? -1 : (null == object ? 1 : 2)",
         "size(object.?a[?'b'].orValue('')) in [1, 2]", "type(object) == int", "math.greatest(1, 2) > 1", "Object{spec: Object.spec{replicas: 3}} == object", "1 + 1 // a comment" })
    EXPECT_EQ (problem (good), "") << good;
}

TEST (KubeCel, NamesThatNobodyDeclaresAreAllTold)
{
  EXPECT_EQ (problem ("truex"), "ERROR: <input>:1:1: undeclared reference to 'truex' (in container '')\n | truex\n | ^");
  EXPECT_EQ (problem ("object.a ==\n b && c"), "ERROR: <input>:2:2: undeclared reference to 'b' (in container '')\n |  b && c\n | .^\n"
                                              "ERROR: <input>:2:7: undeclared reference to 'c' (in container '')\n |  b && c\n | ......^");
  EXPECT_NE (problem ("object.list.all(x, x > 0) && x"), "");
}

TEST (KubeCel, SyntaxIsWordedAsUpstreamWordsIt)
{
  EXPECT_EQ (problem (""), "ERROR: <input>:1:0: Syntax error: mismatched input '<EOF>' expecting {'[', '{', '(', '.', '-', '!', 'true', 'false', 'null', NUM_FLOAT, NUM_INT, NUM_UINT, "
                           "STRING, BYTES, IDENTIFIER}");
  EXPECT_EQ (problem ("nosuch 1500m"), "ERROR: <input>:1:8: Syntax error: mismatched input '1500' expecting <EOF>\n | nosuch 1500m\n | .......^");
  EXPECT_EQ (problem ("1500m"), "ERROR: <input>:1:5: Syntax error: extraneous input 'm' expecting <EOF>\n | 1500m\n | ....^");
  EXPECT_EQ (problem ("../x"), "ERROR: <input>:1:2: Syntax error: no viable alternative at input '..'\n | ../x\n | .^");
}

TEST (KubeCel, NothingNestsForEver)
{
  std::string deep (5000, '(');
  EXPECT_NE (problem (deep.c_str ()).find ("recursion limit"), std::string::npos);
  EXPECT_NE (problem ("'open").find ("token recognition error"), std::string::npos);
}

} // namespace
