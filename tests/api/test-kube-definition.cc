/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <gtest/gtest.h>
#include <kube/kube-scheme.h>

#include <string>
#include <vector>

#include "kube-decode.h"
#include "kube-field-errors.h"
#include "kube-go-regex.h"
#include "kube-validation.h"

namespace
{

using Lines = std::vector<std::string>;

KubeKind *
definition_kind ()
{
  return KUBE_KIND ("apiextensions.k8s.io/v1", "CustomResourceDefinition");
}

/* A definition whose one version is @version, completed as the server does it. */
KubeValue *
definition (const std::string &version, const std::string &more = "", const std::string &status = R"("storedVersions":["v1"])")
{
  std::string json = R"({"metadata":{"name":"as.x.io","uid":"u","resourceVersion":"1"},"spec":{"group":"x.io","scope":"Namespaced","names":{"plural":"as","kind":"A"},)"
                     R"("versions":[{"name":"v1","served":true,"storage":true,)"
                     + version + "}]" + more + R"(},"status":{)" + status + "}}";
  g_autoptr (GError) error = nullptr;
  g_autoptr (KubeValue) parsed = kube_value_parse (json.c_str (), -1, &error);
  gboolean has_empty;
  g_assert_no_error (error);
  g_autoptr (KubeValue) decoded = kube_decode_request (definition_kind (), parsed, nullptr, nullptr, &has_empty, &error);
  g_assert_no_error (error);
  g_autoptr (KubeBuilder) builder = kube_builder_new (decoded);
  kube_default (definition_kind (), kube_builder_get_root (builder));
  return kube_builder_end (builder);
}

Lines
lines (const KubeFieldErrors *errors)
{
  Lines found;
  for (guint i = 0; i < kube_field_errors_get_length (errors); i++)
    found.push_back (std::string (kube_field_errors_get (errors, i)->field) + ": " + kube_field_errors_get (errors, i)->body);
  return found;
}

Lines
check (KubeValue *taken, KubeValue *old_taken = nullptr)
{
  g_autoptr (KubeValue) object = taken, old = old_taken;
  g_auto (KubeFieldErrors) errors = { nullptr };

  if (old == nullptr)
    kube_validate_create (definition_kind (), object, &errors);
  else
    kube_validate_update (definition_kind (), nullptr, object, old, &errors);
  return lines (&errors);
}

std::string
schema (const std::string &spec)
{
  return R"("schema":{"openAPIV3Schema":{"type":"object","properties":{"spec":)" + spec + "}}}";
}

constexpr char kSpec[] = "spec.validation.openAPIV3Schema.properties[spec]";

Lines
check_spec (const std::string &spec)
{
  return check (definition (schema (spec)));
}

TEST (KubeDefinition, AMapListHasKeysThatAreAlwaysThere)
{
  EXPECT_EQ (check_spec (R"({"type":"array","x-kubernetes-list-type":"map","x-kubernetes-list-map-keys":["a"],)"
                         R"("items":{"type":"object","required":["a"],"properties":{"a":{"type":"string"}}}})"),
             Lines{});
  EXPECT_EQ (check_spec (R"({"type":"array","x-kubernetes-list-type":"map","x-kubernetes-list-map-keys":["a","b","b"],)"
                         R"("items":{"type":"object","nullable":true,"properties":{"a":{"type":"object"}}}})"),
             (Lines{ std::string (kSpec) + ".items.properties[a].type: Invalid value: \"object\": must be a scalar type if parent array's x-kubernetes-list-type is map",
                     std::string (kSpec) + ".x-kubernetes-list-map-keys: Invalid value: [\"a\",\"b\",\"b\"]: entries must all be names of item properties",
                     std::string (kSpec) + ".x-kubernetes-list-map-keys: Invalid value: [\"a\",\"b\",\"b\"]: entries must all be names of item properties",
                     std::string (kSpec) + ".x-kubernetes-list-map-keys: Invalid value: [\"a\",\"b\",\"b\"]: must not contain duplicate entries",
                     std::string (kSpec) + ".items.nullable: Forbidden: cannot be nullable when x-kubernetes-list-type is map",
                     std::string (kSpec)
                         + ".items.properties[a].default: Required value: this property is in x-kubernetes-list-map-keys, so it must have a default or be a "
                           "required property" }));
  EXPECT_EQ (check_spec (R"({"type":"array","x-kubernetes-list-type":"set","items":{"type":"object"}})"),
             Lines{ std::string (kSpec)
                    + ".items.x-kubernetes-map-type: Invalid value: null: must be atomic as item of a list with x-kubernetes-list-type=set" });
  EXPECT_EQ (check_spec (R"({"type":"object","x-kubernetes-map-type":"foo","x-kubernetes-list-type":"atomic"})"),
             (Lines{ std::string (kSpec) + ".x-kubernetes-map-type: Unsupported value: \"foo\": supported values: \"atomic\", \"granular\"",
                     std::string (kSpec) + ".type: Invalid value: \"object\": must be array if x-kubernetes-list-type is specified" }));
}

TEST (KubeDefinition, WhatASchemaBreaksAlreadyItMayGoOnBreaking)
{
  std::string loose = schema (R"({"type":"array","x-kubernetes-list-type":"set","items":{"type":"object"}})");

  EXPECT_EQ (check (definition (loose)).size (), 1u);
  EXPECT_EQ (check (definition (loose), definition (loose)), Lines{});
  EXPECT_EQ (check (definition (loose), definition (schema (R"({"type":"string"})"))).size (), 1u);
}

TEST (KubeDefinition, DefaultsAreValuesOfTheirSchemaAndNothingInThemIsPruned)
{
  EXPECT_EQ (check_spec (R"({"type":"object","default":{"a":1},"properties":{"a":{"type":"integer"}}})"), Lines{});
  EXPECT_EQ (check_spec (R"({"type":"object","default":{"b":1},"properties":{"a":{"type":"integer"}}})"),
             Lines{ std::string (kSpec) + ".default: Invalid value: {\"b\":1}: must not have unknown fields" });
  EXPECT_EQ (check_spec (R"({"type":"object","default":{"b":1},"x-kubernetes-preserve-unknown-fields":true})"), Lines{});
  EXPECT_EQ (check (definition (R"("schema":{"openAPIV3Schema":{"type":"object","properties":{"metadata":{"type":"object","default":{}}}}})")),
             Lines{ "spec.validation.openAPIV3Schema.properties[metadata].default: Forbidden: must not be set in top-level metadata" });
}

TEST (KubeDefinition, OperatorsSpeakOnlyOfWhatStandsOutside)
{
  EXPECT_EQ (check (definition (R"("schema":{"openAPIV3Schema":{"type":"object","anyOf":[{"properties":{"a":{"type":"string","pattern":"("}}}]}})")),
             (Lines{ "spec.validation.openAPIV3Schema.anyOf[0].properties[a].pattern: Invalid value: \"(\": must be a valid regular expression, but isn't: error "
                     "parsing regexp: missing closing ): `(`",
                     "spec.validation.openAPIV3Schema.anyOf[0].properties[a].type: Forbidden: must be empty to be structural",
                     "spec.validation.openAPIV3Schema.properties[a]: Required value: because it is defined in "
                     "spec.validation.openAPIV3Schema.anyOf[0].properties[a]" }));
  EXPECT_EQ (check_spec (R"({"x-kubernetes-int-or-string":true,"anyOf":[{"type":"integer"},{"type":"string"}]})"), Lines{});
  EXPECT_EQ (check_spec (R"({"type":"array"})"), Lines{ std::string (kSpec) + ".items: Required value: must be specified" });
}

TEST (KubeDefinition, ASchemaThatCannotBeStructuralIsNotTakenForOne)
{
  EXPECT_EQ (check_spec (R"({"$ref":"#/x"})"), Lines{ std::string (kSpec) + ".$ref: Forbidden: $ref is not supported" });
  EXPECT_EQ (check_spec (R"({"$schema":"x"})"),
             Lines{ "spec.validation.openAPIV3Schema: Invalid value: \"\": OpenAPIV3Schema 'schema' is not supported" });
}

TEST (KubeDefinition, RulesHaveTextsThatSaySomething)
{
  EXPECT_EQ (check_spec (R"({"type":"object","properties":{"a":{"type":"string"}},"x-kubernetes-validations":[)"
                         R"({"rule":" ","reason":"Foo"},{"rule":"true","message":"a\nb","messageExpression":" ","fieldPath":".b"}]})"),
             (Lines{ std::string (kSpec) + ".x-kubernetes-validations[0].rule: Required value: rule is not specified",
                     std::string (kSpec)
                         + ".x-kubernetes-validations[0].reason: Unsupported value: \"Foo\": supported values: \"FieldValueDuplicate\", "
                           "\"FieldValueForbidden\", \"FieldValueInvalid\", \"FieldValueRequired\"",
                     std::string (kSpec) + ".x-kubernetes-validations[1].message: Invalid value: \"a\\nb\": must not contain line breaks",
                     std::string (kSpec) + ".x-kubernetes-validations[1].messageExpression: Required value: messageExpression must be non-empty if specified",
                     std::string (kSpec) + ".x-kubernetes-validations[1].fieldPath: Invalid value: \".b\": must be a valid path" }));
}

TEST (KubeDefinition, RulesCompileAgainstTheirSchema)
{
  std::string properties = R"("properties":{"a":{"type":"string"},"l":{"type":"array","items":{"type":"integer"}}})";
  auto with_rule = [&] (const std::string &rule) { return check_spec (R"({"type":"object",)" + properties + R"(,"x-kubernetes-validations":[)" + rule + "]}"); };
  std::string at = std::string (kSpec) + ".x-kubernetes-validations[0]";

  EXPECT_EQ (with_rule (R"x({"rule":"self.a.startsWith('x') && self.l.all(n, n > 0)","messageExpression":"'no ' + self.a"})x"), Lines{});
  EXPECT_EQ (with_rule (R"({"rule":"self.a == oldSelf.a"})"), Lines{});
  EXPECT_EQ (with_rule (R"x({"rule":"oldSelf.hasValue()","optionalOldSelf":true})x"), Lines{});
  EXPECT_EQ (with_rule (R"({"rule":"self.b"})"),
             Lines{ at + R"(.rule: Invalid value: {"Rule":"self.b","Message":"","MessageExpression":"","Reason":null,"FieldPath":"","OptionalOldSelf":null}: )"
                    "compilation failed: ERROR: <input>:1:5: undefined field 'b'\n | self.b\n | ....^" });
  EXPECT_EQ (with_rule (R"({"rule":"self.a"})"),
             Lines{ at + R"(.rule: Invalid value: {"Rule":"self.a","Message":"","MessageExpression":"","Reason":null,"FieldPath":"","OptionalOldSelf":null}: )"
                    "cel expression must evaluate to a bool" });
  EXPECT_EQ (with_rule (R"({"rule":"true","messageExpression":"1","optionalOldSelf":false})"),
             (Lines{ at + R"(.messageExpression: Invalid value: {"Rule":"true","Message":"","MessageExpression":"1","Reason":null,"FieldPath":"","OptionalOldSelf":false}: )"
                     "messageExpression must evaluate to a string",
                     at + ".optionalOldSelf: Invalid value: false: may not be set if oldSelf is not used in rule" }));
  EXPECT_EQ (check_spec (R"({"type":"array","items":{"type":"integer","x-kubernetes-validations":[{"rule":"self >= oldSelf"}]}})"),
             Lines{ std::string (kSpec) + ".items.x-kubernetes-validations[0].rule: Invalid value: \"self >= oldSelf\": oldSelf cannot be used on the "
                    "uncorrelatable portion of the schema within " + kSpec });
}

TEST (KubeDefinition, RulesThatCouldCostTooMuchAreRefused)
{
  constexpr char advice[] = " (try simplifying the rule, or adding maxItems, maxProperties, and maxLength where arrays, maps, and strings are declared)";
  auto each = [&] (const std::string &limits, const std::string &text, const std::string &rule) {
    return check_spec (R"({"type":"array",)" + limits + R"("items":{"type":"string")" + text + R"(},"x-kubernetes-validations":[{"rule":")" + rule + R"("}]})");
  };
  std::string at = std::string (kSpec) + ".x-kubernetes-validations[0].rule: Forbidden: ", whole = "spec.validation.openAPIV3Schema: Forbidden: ";

  EXPECT_EQ (each (R"("maxItems":10,)", R"(,"maxLength":20)", "self.all(x, x.contains('ab'))"), Lines{});
  EXPECT_EQ (each (R"("maxItems":1000,)", R"(,"maxLength":100)", "self.all(x, self.exists_one(y, x == y))"),
             (Lines{ at + "estimated rule cost exceeds budget by factor of 4.4x" + advice }));
  EXPECT_EQ (each ("", "", "self.all(x, self.exists(y, x == y))"),
             (Lines{ at + "estimated rule cost exceeds budget by factor of more than 100x" + advice,
                     at + "contributed to estimated rule cost total exceeding cost limit for entire OpenAPIv3 schema",
                     whole + "x-kubernetes-validations estimated rule cost total for entire OpenAPIv3 schema exceeds budget by factor of more than 100x" + advice }));
}

TEST (KubeDefinition, WhatIsStoredMayCostWhatItDoes)
{
  std::string dear = schema (R"({"type":"array","maxItems":1000,"items":{"type":"string","maxLength":100},)"
                             R"x("x-kubernetes-validations":[{"rule":"self.all(x, self.exists_one(y, x == y))"}]})x");

  EXPECT_EQ (check (definition (dear)).size (), 1u);
  EXPECT_EQ (check (definition (dear), definition (dear)), Lines{});
  EXPECT_EQ (check (definition (dear), definition (schema (R"({"type":"string"})"))).size (), 1u);
}

TEST (KubeDefinition, SelectableFieldsAreFewSimpleAndDiffer)
{
  std::string version = schema (R"({"type":"object","properties":{"a":{"type":"string"},"b":{"type":"object"}}})");

  EXPECT_EQ (check (definition (version + R"(,"selectableFields":[{"jsonPath":".spec.a"}])")), Lines{});
  EXPECT_EQ (check (definition (version + R"(,"selectableFields":[{"jsonPath":".spec.a"},{"jsonPath":".spec.a"},{"jsonPath":".spec.b"},{"jsonPath":".spec[0]"},{"jsonPath":"spec"}])")),
             (Lines{ "spec.selectableFields[1].jsonPath: Duplicate value: \".spec.a\"",
                     "spec.selectableFields[2].jsonPath: Invalid value: \".spec.b\": must point to a field of type string, boolean or integer. Enum string "
                     "fields and strings with formats are allowed.",
                     "spec.selectableFields[3].jsonPath: Invalid value: \".spec[0]\": is an invalid path: array notation is not allowed",
                     "spec.selectableFields[4].jsonPath: Invalid value: \"spec\": is an invalid path: expected [ or . but got: spec" }));
}

TEST (KubeDefinition, VersionsAndConversionsAreAsUpstreamWantsThem)
{
  std::string version = schema (R"({"type":"string"})");

  EXPECT_EQ (check (definition (version + R"(,"deprecationWarning":"x")")),
             Lines{ "spec.versions[0].deprecationWarning: Invalid value: \"x\": can only be set for deprecated versions" });
  EXPECT_EQ (check (definition (version, R"(,"conversion":{"strategy":"Webhook","webhook":{"conversionReviewVersions":["v2","v2"]}})")),
             (Lines{ "spec.conversion.webhookClientConfig: Required value: required when strategy is set to Webhook",
                     "spec.conversion.conversionReviewVersions[1]: Invalid value: \"v2\": duplicate version",
                     "spec.conversion.conversionReviewVersions: Invalid value: [\"v2\",\"v2\"]: must include at least one of v1, v1beta1" }));
  EXPECT_EQ (check (definition (version, R"(,"preserveUnknownFields":true)")),
             Lines{ "spec.preserveUnknownFields: Invalid value: true: cannot set to true, set x-kubernetes-preserve-unknown-fields to true in "
                    "spec.versions[*].schema instead" });
  EXPECT_EQ (check (definition (version, "", R"("storedVersions":["v0","v1"])")),
             Lines{ "status.storedVersions[0]: Invalid value: \"v0\": missing from spec.versions; v0 was previously a storage version, and must remain in "
                    "spec.versions until a storage migration ensures no data remains persisted in v0 and removes v0 from status.storedVersions" });
}

TEST (KubeGoRegex, WordsWhatGoSays)
{
  const std::pair<const char *, const char *> cases[] = {
    { "^[a-z]+(\\.[[:alpha:]]{2,3})?$", nullptr },
    { "(?P<name>\\pL\\p{Greek}\\x{41}\\Q(\\E)", nullptr },
    { "a{,2}b{", nullptr },
    { "a**", "error parsing regexp: invalid nested repetition operator: `**`" },
    { "*a", "error parsing regexp: missing argument to repetition operator: `*`" },
    { "(a{100}){11}", "error parsing regexp: invalid repeat count: `{11}`" },
    { "a)", "error parsing regexp: unexpected ): `a)`" },
    { "(a", "error parsing regexp: missing closing ): `(a`" },
    { "x[a", "error parsing regexp: missing closing ]: `[a`" },
    { "[z-a]", "error parsing regexp: invalid character class range: `z-a`" },
    { "(?=a)", "error parsing regexp: invalid or unsupported Perl syntax: `(?=`" },
    { "(?P<1->a)", "error parsing regexp: invalid named capture: `(?P<1->`" },
    { "\\y", "error parsing regexp: invalid escape sequence: `\\y`" },
    { "a\\", "error parsing regexp: trailing backslash at end of expression: ``" },
  };

  for (const auto &[pattern, wanted] : cases)
    {
      g_autofree char *problem = kube_go_regex_check (pattern);
      EXPECT_STREQ (problem, wanted) << pattern;
    }
}

} // namespace
