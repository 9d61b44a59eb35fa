/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <gtest/gtest.h>

#include <string>

#include "kube-cel.h"

namespace
{

constexpr char kSchema[] = R"({"type":"object","required":["name"],"properties":{
  "name":{"type":"string"}, "size":{"type":"integer"}, "ratio":{"type":"number"}, "raw":{"type":"string","format":"byte"},
  "when":{"type":"string","format":"date-time"}, "wait":{"type":"string","format":"duration"}, "port":{"x-kubernetes-int-or-string":true},
  "tags":{"type":"array","items":{"type":"string"}}, "labels":{"type":"object","additionalProperties":{"type":"string"}},
  "parts":{"type":"array","items":{"type":"object","properties":{"id":{"type":"integer"}}}},
  "a-b.c/d__e":{"type":"boolean"}, "for":{"type":"integer"}, "hidden":{"x-kubernetes-preserve-unknown-fields":true}}})";

/* What admission has, and the variables of a custom resource's rules. */
KubeCelEnvironment *
environment ()
{
  static KubeCelEnvironment *made = nullptr;

  if (made == nullptr)
    {
      g_autoptr (KubeValue) schema = kube_value_parse (kSchema, -1, nullptr);
      made = kube_cel_environment_new ();
      kube_cel_environment_add_variable (made, "object", "dyn");
      kube_cel_environment_add_variable (made, "request", "kubernetes.AdmissionRequest");
      kube_cel_environment_add_variable (made, "authorizer", "kubernetes.authorization.Authorizer");
      kube_cel_environment_add_variable (made, "authorizer.requestResource", "kubernetes.authorization.ResourceCheck");
      kube_cel_environment_add_schema (made, "self", schema, TRUE, FALSE);
      kube_cel_environment_add_schema (made, "oldSelf", schema, TRUE, TRUE);
    }
  return made;
}

/* The type of an expression, or what is wrong with it. */
std::string
compile (const std::string &expression, const KubeCelEnvironment *in = environment ())
{
  g_autofree char *problem = nullptr;
  g_autoptr (KubeCelProgram) program = kube_cel_compile (in, expression.c_str (), &problem);
  return program != nullptr ? kube_cel_program_get_output (program) : problem;
}

/* The first line of what is wrong. */
std::string
problem (const std::string &expression)
{
  std::string text = compile (expression);
  return text.substr (0, text.find ('\n'));
}

TEST (KubeCel, GivesEachExpressionItsType)
{
  const std::pair<const char *, const char *> cases[] = {
    { "object.spec.replicas <= 5", "bool" },
    { "!has(object.metadata) || object.metadata.name.startsWith('a')", "bool" },
    { "object.list.all(x, x > 0 && object.list.exists(y, y == x))", "bool" },
    { "[1, 2].map(x, x > 1, string(x))", "list(string)" },
    { "[3, 4].transformMap(i, v, v == i)", "map(int, bool)" },
    { "{'a': 1}.transformList(k, v, k)", "list(string)" },
    { "{'a': 1}.transformMapEntry(k, v, {v: k})", "map(int, string)" },
    { "[[1], [2]].flatten()", "list(int)" },
    { "['b', 'a'].sortBy(x, size(x))", "list(string)" },
    { "optional.of(1).optMap(x, x + 1).orValue(3)", "int" },
    { "{'a': 1}.?b", "optional_type(int)" },
    { "[1][?0]", "optional_type(int)" },
    { "[1, 2u == 2u ? 1 : 2, -3]", "list(int)" },
    { "timestamp('2024-01-02T03:04:05Z') - timestamp('2023-01-01T00:00:00Z')", "google.protobuf.Duration" },
    { "quantity('1Gi').add(quantity('1')).isGreaterThan(quantity('2'))", "bool" },
    { "ip('::1').family() + cidr('10.0.0.0/8').prefixLength()", "int" },
    { "semver('1.2.3').compareTo(semver('1.2.4'))", "int" },
    { "url('https://a/b').getQuery()", "map(string, list(string))" },
    { "format.dns1123Label().validate('a').orValue([])", "list(string)" },
    { "sets.intersects([1], [2]) && 'a'.matches('^a$') && [1].isSorted()", "bool" },
    { "'%s is %d'.format(['a', 1])", "string" },
    { "authorizer.requestResource.check('get').allowed()", "bool" },
    { "authorizer.group('').resource('pods').check('get').reason()", "string" },
    { "request.userInfo.extra['a'].exists(v, v == 'b')", "bool" },
    { "type(self.size) == int", "bool" },
    { "null == self", "bool" },
    { "1 < 1.5 && 2u >= 1", "bool" },
  };

  for (const auto &[expression, type] : cases)
    EXPECT_EQ (compile (expression), type) << expression;
}

TEST (KubeCel, FieldsAreThoseOfTheSchema)
{
  const std::pair<const char *, const char *> cases[] = {
    { "self.name", "string" },
    { "self.size", "int" },
    { "self.ratio", "double" },
    { "self.raw", "bytes" },
    { "self.when", "google.protobuf.Timestamp" },
    { "self.wait", "google.protobuf.Duration" },
    { "self.port", "dyn" },
    { "self.tags", "list(string)" },
    { "self.labels.x", "string" },
    { "self.parts[0].id", "int" },
    { "self.parts.map(p, p.id).sum()", "int" },
    { "self.a__dash__b__dot__c__slash__d__underscores__e", "bool" },
    { "self.for + self.__for__", "int" },
    { "self.kind + self.apiVersion + self.metadata.generateName", "string" },
    { "oldSelf.name.orValue('')", "string" },
  };

  for (const auto &[expression, type] : cases)
    EXPECT_EQ (compile (expression), type) << expression;
  EXPECT_EQ (problem ("self.nothing"), "ERROR: <input>:1:5: undefined field 'nothing'");
  EXPECT_EQ (problem ("self.hidden"), "ERROR: <input>:1:5: undefined field 'hidden'");
  EXPECT_EQ (problem ("self.metadata.labels"), "ERROR: <input>:1:14: undefined field 'labels'");
  EXPECT_EQ (problem ("request.nothing"), "ERROR: <input>:1:8: undefined field 'nothing'");
  EXPECT_EQ (problem ("quantity('1').x"), "ERROR: <input>:1:14: unexpected failed resolution of 'kubernetes.Quantity'");
}

TEST (KubeCel, TypesThatDoNotGoTogetherAreTold)
{
  const std::pair<const char *, const char *> cases[] = {
    { "1 == 'a'", "ERROR: <input>:1:3: found no matching overload for '_==_' applied to '(int, string)'" },
    { "size(1)", "ERROR: <input>:1:5: found no matching overload for 'size' applied to '(int)'" },
    { "'a'.startsWith(1)", "ERROR: <input>:1:15: found no matching overload for 'startsWith' applied to 'string.(int)'" },
    { "'abc'.format()", "ERROR: <input>:1:13: found no matching overload for 'format' applied to 'string.()'" },
    { "{} == []", "ERROR: <input>:1:4: found no matching overload for '_==_' applied to '(map(dyn, dyn), list(dyn))'" },
    { "null == 'a'", "ERROR: <input>:1:6: found no matching overload for '_==_' applied to '(null, string)'" },
    { "true && 1", "ERROR: <input>:1:9: expected type 'bool' but found 'int'" },
    { "1.all(x, x)", "ERROR: <input>:1:1: expression of type 'int' cannot be range of a comprehension (must be list, map, or dynamic)" },
    { "1.x", "ERROR: <input>:1:2: type 'int' does not support field selection" },
    { "[1, 'a']", "ERROR: <input>:1:5: expected type 'int' but found 'string'" },
    { "{'a': 1, 2: 3}", "ERROR: <input>:1:10: expected type 'string' but found 'int'" },
    { "[?1]", "ERROR: <input>:1:3: expected type 'optional_type(int)' but found 'int'" },
    { "f(1)", "ERROR: <input>:1:2: undeclared reference to 'f' (in container '')" },
    { "int{a: 1}", "ERROR: <input>:1:4: 'int' is not a message type" },
  };

  for (const auto &[expression, text] : cases)
    EXPECT_EQ (problem (expression), text) << expression;
}

TEST (KubeCel, LiteralsAreLookedAtWhereTypesAreRight)
{
  EXPECT_EQ (problem ("duration('x')"), "ERROR: <input>:1:10: invalid duration argument");
  EXPECT_EQ (problem ("timestamp('2020-01-01')"), "ERROR: <input>:1:11: invalid timestamp argument");
  EXPECT_EQ (problem ("'a'.matches('(')"), "ERROR: <input>:1:13: invalid matches argument");
  EXPECT_EQ (problem ("'%d'.format(['a'])"),
             "ERROR: <input>:1:14: error during formatting: decimal clause can only be used on integers, was given string");
  EXPECT_EQ (problem ("'%d %s'.format([1])"), "ERROR: <input>:1:15: index 1 out of range");
  EXPECT_EQ (problem ("'%q'.format([1])"), "ERROR: <input>:1:12: could not parse formatting clause: unrecognized formatting clause \"q\"");
  EXPECT_EQ (problem ("99999999999999999999"), "ERROR: <input>:1:1: invalid int literal");
  EXPECT_EQ (compile ("-9223372036854775808"), "int");
  EXPECT_EQ (problem ("b'\\u0041'"), "ERROR: <input>:1:1: unable to unescape string");
}

TEST (KubeCel, MacrosWantNames)
{
  EXPECT_EQ (problem ("[1].all(1, true)"), "ERROR: <input>:1:9: argument must be a simple name");
  EXPECT_EQ (problem ("[1].map(1, true)"), "ERROR: <input>:1:9: argument is not an identifier");
  EXPECT_EQ (problem ("[1].transformMap(i, i, i)"), "ERROR: <input>:1:21: duplicate variable name: i");
  EXPECT_EQ (problem ("has(1)"), "ERROR: <input>:1:5: invalid argument to has() macro");
  EXPECT_EQ (problem ("for"), "ERROR: <input>:1:1: reserved identifier: for");
}

TEST (KubeCel, NamesThatNobodyDeclaresAreAllTold)
{
  EXPECT_EQ (compile ("truex"), "ERROR: <input>:1:1: undeclared reference to 'truex' (in container '')\n | truex\n | ^");
  EXPECT_EQ (compile ("object.a ==\n b && c"), "ERROR: <input>:2:2: undeclared reference to 'b' (in container '')\n |  b && c\n | .^\n"
                                               "ERROR: <input>:2:7: undeclared reference to 'c' (in container '')\n |  b && c\n | ......^");
  EXPECT_EQ (compile ("\"é\" +\t1"), "ERROR: <input>:1:5: found no matching overload for '_+_' applied to '(string, int)'\n | \"é\" + 1\n | .．..^");
}

TEST (KubeCel, SyntaxIsWordedAsUpstreamWordsIt)
{
  const std::pair<const char *, const char *> cases[] = {
    { "", "ERROR: <input>:1:0: Syntax error: mismatched input '<EOF>' expecting {'[', '{', '(', '.', '-', '!', 'true', 'false', 'null', NUM_FLOAT, "
          "NUM_INT, NUM_UINT, STRING, BYTES, IDENTIFIER}" },
    { "nosuch 1500m", "ERROR: <input>:1:8: Syntax error: mismatched input '1500' expecting <EOF>\n | nosuch 1500m\n | .......^" },
    { "1500m", "ERROR: <input>:1:5: Syntax error: extraneous input 'm' expecting <EOF>\n | 1500m\n | ....^" },
    { "../x", "ERROR: <input>:1:2: Syntax error: no viable alternative at input '..'\n | ../x\n | .^" },
    { "(1", "ERROR: <input>:1:3: Syntax error: missing ')' at '<EOF>'\n | (1\n | ..^" },
    { "[1 2]", "ERROR: <input>:1:4: Syntax error: extraneous input '2' expecting {']', ','}\n | [1 2]\n | ...^" },
    { "a.true", "ERROR: <input>:1:3: Syntax error: mismatched input 'true' expecting IDENTIFIER\n | a.true\n | ..^" },
    { "a = b", "ERROR: <input>:1:3: Syntax error: token recognition error at: '= '\n | a = b\n | ..^\n"
               "ERROR: <input>:1:5: Syntax error: extraneous input 'b' expecting <EOF>\n | a = b\n | ....^" },
    { "a.`b`", "ERROR: <input>:1:3: unsupported syntax: '`'\n | a.`b`\n | ..^" },
  };

  for (const auto &[expression, text] : cases)
    EXPECT_EQ (compile (expression), text) << expression;
}

TEST (KubeCel, PlacesHaveTypesAndMacrosOfTheirOwn)
{
  g_autoptr (KubeCelEnvironment) patches = kube_cel_environment_new (), devices = kube_cel_environment_new ();

  kube_cel_environment_allow_patches (patches);
  kube_cel_environment_add_variable (patches, "variables", "kubernetes.variables");
  kube_cel_environment_add_composed (patches, "n", "list(int)");
  kube_cel_environment_add_variable (devices, "device", "kubernetes.DRADevice");
  kube_cel_environment_allow_bind (devices);
  EXPECT_EQ (compile ("Object{spec: Object.spec{replicas: 3}}", patches), "Object");
  EXPECT_EQ (compile ("[JSONPatch{op: 'add', path: '/a/' + jsonpatch.escapeKey('b/c'), value: 1}]", patches), "list(JSONPatch)");
  EXPECT_EQ (compile ("variables.n[0] + 1", patches), "int");
  EXPECT_EQ (problem ("Object{}"), "ERROR: <input>:1:7: undeclared reference to 'Object' (in container '')");
  EXPECT_EQ (compile ("cel.bind(d, device.attributes['a'], d.x)", devices), "google.protobuf.Any");
  EXPECT_EQ (compile ("device.capacity['a'].b.isLessThan(quantity('1')) && device.driver == 'x'", devices), "bool");
  EXPECT_EQ (problem ("cel.bind(d, 1, d)").substr (0, 40), "ERROR: <input>:1:1: undeclared reference");
}

TEST (KubeCel, TellsWhatAnExpressionUses)
{
  g_autofree char *nothing = nullptr;
  g_autoptr (KubeCelProgram) program = kube_cel_compile (environment (), "self.tags.all(t, t in oldSelf.tags.orValue([]))", &nothing);

  ASSERT_NE (program, nullptr);
  EXPECT_TRUE (kube_cel_program_uses (program, "oldSelf"));
  EXPECT_FALSE (kube_cel_program_uses (program, "object"));
}

TEST (KubeCel, NothingNestsForEver)
{
  EXPECT_NE (compile (std::string (5000, '(')).find ("recursion limit"), std::string::npos);
  EXPECT_NE (compile ("'open").find ("token recognition error"), std::string::npos);
  for (const char *part : { "1+", "a.", "[", "!(", "f(", "1?2:", "{1:", "-(" })
    {
      std::string deep;
      while (deep.size () < 50000)
        deep += part;
      EXPECT_NE (compile (deep + "1"), "") << part;
    }
  EXPECT_EQ (compile (std::string (100001, 'a')).substr (0, 80), "ERROR: <input>:-1:0: expression code point size exceeds limit: size: 100001, lim");
}

} // namespace
