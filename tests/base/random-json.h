/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <random>
#include <string>

/* JSON documents from a fixed seed, as odd as the grammar allows; keys in an object are distinct. */
class RandomJson
{
public:
  bool nul_in_keys = true;
  bool fractions = true;

  explicit RandomJson (unsigned seed) : random (seed) {}

  unsigned below (unsigned n) { return random () % n; }

  std::string document () { return space () + value (0) + space (); }

  std::string string ()
  {
    static const char *const pieces[] = { "a",      "Z",      "0",      " ",      "\\n",     "\\\"",        "\\\\", "\\/",        "\\u0000", "\\u00e9",
                                          "\\ud83d\\ude00", "\\ud800", "\xc3\xa9", "\xe2\x82\xac", "\xf0\x9f\x98\x80", "<&>", "\\u2028", "\xe2\x80\xa9", "kubernetes.io/name", "-" };
    std::string text = "\"";

    for (unsigned n = below (4) == 0 ? below (40) : below (6); n > 0; n--)
      text += pieces[below (sizeof pieces / sizeof *pieces)];
    return text + "\"";
  }

  std::string value (int depth)
  {
    switch (below (depth > 5 ? 7 : 11)) {
    case 0: return "null";
    case 1: return "true";
    case 2: return "false";
    case 3: return number ();
    case 4: return std::to_string (below (2000));
    case 5:
    case 6: return string ();
    case 7:
    case 8: return array (depth);
    default: return object (depth);
    }
  }

  std::string key (unsigned i)
  {
    std::string text = string ();

    for (size_t at; !nul_in_keys && (at = text.find ("\\u0000")) != std::string::npos;)
      text.erase (at, 6);
    return text.substr (0, text.size () - 1) + "k" + std::to_string (i) + "\"";
  }

private:
  std::mt19937 random;

  std::string space ()
  {
    static const char *const spaces[] = { "", "", "", " ", "\n", "\t\r\n", "                      " };

    return spaces[below (7)];
  }

  std::string number ()
  {
    static const char *const numbers[] = { "0", "-0", "-1", "1.50", "1e9", "1E-9", "-2.5e+3", "9223372036854775807", "-9223372036854775808",
                                           "18446744073709551615", "18446744073709551616", "0.1", "1e400" };

    return fractions ? numbers[below (sizeof numbers / sizeof *numbers)] : std::to_string ((int) random ());
  }

  std::string array (int depth)
  {
    std::string text = "[" + space ();

    for (unsigned n = below (5), i = 0; i < n; i++)
      text += (i > 0 ? "," : "") + space () + value (depth + 1) + space ();
    return text + "]";
  }

  std::string object (int depth)
  {
    std::string text = "{" + space ();

    for (unsigned n = below (12) == 0 ? 50 : below (6), i = 0; i < n; i++)
      text += (i > 0 ? "," : "") + space () + key (i) + space () + ":" + value (depth + 1) + space ();
    return text + "}";
  }
};
