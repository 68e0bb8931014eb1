/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: wire/ferry-object-message.c, wire/ferry-packing.c
 *
 * Views and their results as bytes, made and taken apart, and bytes that are neither. */

#include "config.h"

#include <locale.h>
#include <string.h>

#include "base/ferry-error.h"
#include "ferry-test.h"
#include "object/packed-message.h"

/* Of fixed size and of none, with each alignment, empty, nested, and long. */
static const char *const values[] = {
  "true",
  "byte 7",
  "int16 -5",
  "5",
  "uint64 18446744073709551615",
  "1.5",
  "''",
  "'größer'",
  "b'bytes'",
  "()",
  "(5,)",
  "(byte 1, uint64 2, 'three')",
  "@as []",
  "['a', 'bc', '']",
  "@mi nothing",
  "@ms 'just'",
  "{'key': <5>, 'other': <['x']>}",
  "<<<(1, <'two'>)>>>",
  "[(uint64 1, 'a'), (2, 'b')]",
  "objectpath '/a/b'",
};

/* Returns (transfer full). */
static GVariant *
parse (const char *text)
{
  g_autoptr (GError) error = NULL;
  GVariant *value = g_variant_parse (NULL, text, NULL, NULL, &error);

  g_assert_no_error (error);
  return value;
}

static void
assert_same (GVariant *value, GVariant *expected)
{
  g_assert_true (value != NULL ? expected != NULL && g_variant_equal (value, expected) : expected == NULL);
  g_assert_true (value == NULL || g_variant_is_normal_form (value));
}

/* Returns (transfer full): what came of it through another process. */
static GBytes *
send (GVariant *packed)
{
  g_autoptr (GVariant) sent = g_variant_ref_sink (packed);

  g_assert_cmpuint (g_variant_get_size (sent) % 8, ==, 0);
  return g_bytes_new (g_variant_get_data (sent), g_variant_get_size (sent));
}

/* ---- what is sent arrives ---- */

static void
test_results (void)
{
  static const char *const names[] = {NULL, "n", "1234567", "12345678", "größer"};

  for (guint i = 0; i < G_N_ELEMENTS (values) * G_N_ELEMENTS (names); i++)
    {
      g_autoptr (GVariant) value = i > 0 ? parse (values[i % G_N_ELEMENTS (values)]) : NULL;
      const char *name = names[i % G_N_ELEMENTS (names)];
      const char *interface = names[(i / 3) % G_N_ELEMENTS (names)];
      const FerryChainResult result = {value, value == NULL ? 7 : 0, i, name, interface, NULL};
      g_autoptr (GBytes) arrived = send (packed_result (&result));
      g_autoptr (GError) error = NULL;
      FerryChainResult taken;

      g_assert_true (ferry_chain_result_take (&taken, arrived, FERRY_VALUE_UNJUDGED, &error));
      g_assert_no_error (error);
      assert_same (taken.value, value);
      g_assert_cmpuint (taken.generation, ==, result.generation);
      g_assert_cmpuint (taken.number, ==, i);
      g_assert_cmpstr (taken.name, ==, name);
      g_assert_cmpstr (taken.interface, ==, interface);
      ferry_chain_result_clear (&taken);
    }
}

static void
assert_arrives (const FerryChainRequest *request)
{
  g_autoptr (GBytes) arrived = send (packed_request (request));
  g_autoptr (GError) error = NULL;
  FerryChainRequest taken;

  ferry_chain_request_take (&taken, arrived, FERRY_VALUE_UNJUDGED, &error);
  g_assert_no_error (error);
  g_assert_cmpstr (taken.root.name, ==, request->root.name);
  g_assert_cmpuint (taken.root.generation, ==, request->root.generation);
  g_assert_cmpuint (taken.root.number, ==, request->root.number);
  g_assert_true (taken.as_proxy == request->as_proxy);
  g_assert_cmpuint (taken.n_steps, ==, request->n_steps);
  for (guint i = 0; i < taken.n_steps; i++)
    {
      g_assert_cmpuint (taken.steps[i].kind, ==, request->steps[i].kind);
      g_assert_cmpstr (taken.steps[i].name, ==, request->steps[i].name);
      assert_same (taken.steps[i].argument, request->steps[i].argument);
    }
  ferry_chain_request_clear (&taken);
}

static void
test_requests (void)
{
  for (guint n_steps = 0; n_steps <= FERRY_MAX_STEPS; n_steps++)
    {
      FerryStep steps[FERRY_MAX_STEPS];
      const FerryChainRequest request = {
        {n_steps % 2 == 0 ? "" : "object", n_steps, G_MAXUINT64}, n_steps % 3 == 0, n_steps, steps, NULL};

      for (guint i = 0; i < n_steps; i++)
        if (i % 2 == 0)
          steps[i] = (FerryStep){FERRY_STEP_GET, "property", NULL};
        else
          steps[i] = (FerryStep){FERRY_STEP_GET_ITEM, "", parse (values[i % G_N_ELEMENTS (values)])};
      assert_arrives (&request);
      for (guint i = 0; i < n_steps; i++)
        g_clear_pointer (&steps[i].argument, g_variant_unref);
    }
}

/* A longer type string than one that a message of its own may have. */
static void
test_long_types (void)
{
  g_autofree char *text = g_strnfill (3002, 'y');
  g_autoptr (GVariant) value = NULL;
  FerryChainResult result = {0};
  g_autoptr (GBytes) arrived = NULL;

  text[0] = '(';
  text[3001] = ')';
  value = g_variant_ref_sink (g_variant_new_from_data (G_VARIANT_TYPE (text), NULL, 0, FALSE, NULL, NULL));
  result.value = value;
  arrived = send (packed_result (&result));
  g_assert_true (ferry_chain_result_take (&result, arrived, FERRY_VALUE_UNJUDGED, NULL));
  g_assert_cmpstr (g_variant_get_type_string (result.value), ==, text);
  ferry_chain_result_clear (&result);
}

/* ---- bytes that are neither ---- */

/* One view of two steps: the header at 0, "object" at 24, a step at 32 with "method" at 48, "(i)" at 56 and its bytes
 * at 64, and one at 72 with "value" at 88. */
static GByteArray *
make_view (void)
{
  g_autoptr (GVariant) argument = parse ("(5,)");
  FerryStep steps[] = {{FERRY_STEP_CALL, "method", argument}, {FERRY_STEP_GET, "value", NULL}};
  const FerryChainRequest request = {{"object", 0, 0}, FALSE, G_N_ELEMENTS (steps), steps, NULL};
  g_autoptr (GVariant) packed = g_variant_ref_sink (packed_request (&request));
  GByteArray *bytes = g_byte_array_new ();

  g_byte_array_append (bytes, g_variant_get_data (packed), (guint) g_variant_get_size (packed));
  g_assert_cmpuint (bytes->len, ==, 96);
  return bytes;
}

/* An object's header at 0, "name" at 32, "a.b" at 40; or a value's, with "s" at 32 and "text" at 40. */
static GByteArray *
make_result (gboolean of_object)
{
  g_autoptr (GVariant) value = parse ("'text'");
  const FerryChainResult result = {.value = of_object ? NULL : value,
                                   .generation = of_object ? 7 : 0,
                                   .number = of_object ? 1 : 0,
                                   .name = of_object ? "name" : NULL,
                                   .interface = of_object ? "a.b" : NULL};
  g_autoptr (GVariant) packed = g_variant_ref_sink (packed_result (&result));
  GByteArray *bytes = g_byte_array_new ();

  g_byte_array_append (bytes, g_variant_get_data (packed), (guint) g_variant_get_size (packed));
  g_assert_cmpuint (bytes->len, ==, 48);
  return bytes;
}

/* At an address of its own, of the bytes' own size, so that reading beyond is seen. */
static GBytes *
arrive (const GByteArray *bytes, gsize size)
{
  return g_bytes_new (bytes->data, size);
}

static gboolean
is_view (const GByteArray *bytes, gsize size)
{
  g_autoptr (GBytes) arrived = arrive (bytes, size);
  g_autoptr (GError) error = NULL;
  FerryChainRequest request;

  if (ferry_chain_request_take (&request, arrived, FERRY_VALUE_UNJUDGED, &error))
    {
      ferry_chain_request_clear (&request);
      return TRUE;
    }
  g_assert_true (g_error_matches (error, FERRY_ERROR, FERRY_ERROR_BAD_ARGUMENTS) ||
                 g_error_matches (error, FERRY_ERROR, FERRY_ERROR_TOO_LARGE));
  g_assert_true (request.steps == NULL && request.held == NULL);
  return FALSE;
}

static gboolean
is_result (const GByteArray *bytes, gsize size)
{
  g_autoptr (GBytes) arrived = arrive (bytes, size);
  g_autoptr (GError) error = NULL;
  FerryChainResult result;

  if (ferry_chain_result_take (&result, arrived, FERRY_VALUE_UNJUDGED, &error))
    {
      ferry_chain_result_clear (&result);
      return TRUE;
    }
  g_assert_error (error, FERRY_ERROR, FERRY_ERROR_PROTOCOL);
  g_assert_true (result.value == NULL && result.held == NULL);
  return FALSE;
}

typedef gboolean (*IsGood) (const GByteArray *bytes, gsize size);

static void
assert_only_whole (GByteArray *bytes, IsGood is_good)
{
  static const guint8 more[8];
  guint size = bytes->len;

  g_assert_true (is_good (bytes, size));
  for (guint i = 0; i < size; i++)
    g_assert_false (is_good (bytes, i));
  for (guint i = 1; i <= sizeof more; i++)
    {
      g_byte_array_append (bytes, more, 1);
      g_assert_false (is_good (bytes, bytes->len));
    }
  g_byte_array_set_size (bytes, size);
}

/* Each byte with each content: whatever is taken can be used, and the rest is an error. */
static void
assert_stands_any_byte (GByteArray *bytes, IsGood is_good)
{
  guint n_good = 0;

  for (guint i = 0; i < bytes->len; i++)
    {
      guint8 own = bytes->data[i];

      for (guint content = 0; content < 256; content++)
        {
          bytes->data[i] = (guint8) content;
          n_good += is_good (bytes, bytes->len);
        }
      bytes->data[i] = own;
    }
  g_assert_cmpuint (n_good, >=, bytes->len);
  g_assert_cmpuint (n_good, <, bytes->len * 256);
}

typedef struct
{
  guint offset;
  const char *content;
  guint size;
} Change;

static void
assert_changes_fail (GByteArray *bytes, IsGood is_good, const Change *changes, guint n_changes)
{
  for (guint i = 0; i < n_changes; i++)
    {
      g_autoptr (GByteArray) changed = g_byte_array_new ();

      g_byte_array_append (changed, bytes->data, bytes->len);
      memcpy (changed->data + changes[i].offset, changes[i].content, changes[i].size);
      if (is_good (changed, changed->len))
        g_error ("Change %u, at offset %u, was taken", i, changes[i].offset);
    }
}

#define HUGE "\xff\xff\xff\xff\xff\xff\xff\xff"

static void
test_malformed_views (void)
{
  static const Change changes[] = {
    {16, "\3", 1}, /* a step more than there are, and one less */
    {16, "\1", 1},
    {16, "\xff\xff\xff\xff", 4},
    {20, "\5", 1}, /* a name that ends early, late, or far away */
    {20, "\7", 1},
    {20, "\xff\xff", 2},
    {22, "\2", 1}, /* flags that there are not */
    {23, "\1", 1},
    {26, "\0", 1}, /* a zero in a name, and none behind it */
    {30, "x", 1},
    {26, "\xff\xfe", 2}, /* no UTF-8 */
    {32, "\x09", 1},     /* an argument that is longer: then the step behind it is not there */
    {32, "\x20\0\0\0\0\0\0\0", 8},
    {32, HUGE, 8},
    {32, "\xf8\xff\xff\xff\xff\xff\xff\xff", 8},
    {40, "\0", 1}, /* an argument without a type */
    {40, "\2", 1},
    {40, "\xff\xff\xff\xff", 4},
    {44, "\0", 1},
    {44, "\xff\xff", 2},
    {46, "\x0c", 1}, /* a kind that there is not */
    {46, "\xff", 1},
    {47, "\1", 1},
    {56, "(*)", 3}, /* types that are none, or more than one */
    {56, "(?)", 3},
    {56, "(r)", 3},
    {56, "ii)", 3},
    {56, "(i(", 3},
    {56, "(\0)", 3},
    {59, "i", 1},
    {72, "\1", 1}, /* an argument's size without a type */
    {76, "\1", 1},
  };
  g_autoptr (GByteArray) bytes = make_view ();

  assert_only_whole (bytes, is_view);
  assert_changes_fail (bytes, is_view, changes, G_N_ELEMENTS (changes));
  assert_stands_any_byte (bytes, is_view);
}

static void
assert_view_error (GByteArray *bytes, gsize size, const char *part)
{
  g_autoptr (GBytes) arrived = arrive (bytes, size);
  g_autoptr (GError) error = NULL;
  FerryChainRequest request;

  g_assert_false (ferry_chain_request_take (&request, arrived, FERRY_VALUE_UNJUDGED, &error));
  g_assert_nonnull (strstr (error->message, part));
}

static void
test_malformed_parts (void)
{
  g_autoptr (GByteArray) bytes = make_view ();

  assert_view_error (bytes, 8, "its object");
  assert_view_error (bytes, 40, "operation 1 of 2 ");
  bytes->data[16] = 3;
  assert_view_error (bytes, bytes->len, "operation 3 of 3 ");
  bytes->data[16] = 1;
  assert_view_error (bytes, bytes->len, "its 1 operations");
}

static void
test_malformed_results (void)
{
  static const Change of_object[] = {
    {16, "\1", 1},       /* a value's size without a type */
    {24, "\2\0\0\0", 4}, /* a value beside an object */
    {24, "\xff\xff\xff\xff", 4},
    {28, "\0", 1},
    {28, "\0\1", 2},
    {28, "\xff\xff", 2},
    {30, "\0", 1},
    {30, "\xff\xff", 2},
    {32, "\xff", 1},
    {33, "\0", 1},
    {36, "x", 1},
  };
  static const Change of_value[] = {
    {0, "\1", 1},
    {16, "\x09", 1},
    {16, HUGE, 8},
    {16, "\xf8\xff\xff\xff\xff\xff\xff\xff", 8},
    {24, "\0", 1},
    {24, "\2", 1},
    {24, "\xff\xff\xff\xff", 4},
    {28, "\1", 1},
    {32, "*", 1},
    {32, "\0", 1},
    {33, "s", 1},
  };
  g_autoptr (GByteArray) object = make_result (TRUE);
  g_autoptr (GByteArray) value = make_result (FALSE);

  assert_only_whole (object, is_result);
  assert_only_whole (value, is_result);
  assert_changes_fail (object, is_result, of_object, G_N_ELEMENTS (of_object));
  assert_changes_fail (value, is_result, of_value, G_N_ELEMENTS (of_value));
  assert_stands_any_byte (object, is_result);
  assert_stands_any_byte (value, is_result);
}

int
main (int argc, char **argv)
{
  setlocale (LC_ALL, "");
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/object-message/results-arrive-as-they-were-sent", test_results);
  g_test_add_func ("/object-message/views-arrive-as-they-were-sent", test_requests);
  g_test_add_func ("/object-message/types-are-of-any-length", test_long_types);
  g_test_add_func ("/object-message/malformed-views-are-refused", test_malformed_views);
  g_test_add_func ("/object-message/the-malformed-part-of-a-view-is-named", test_malformed_parts);
  g_test_add_func ("/object-message/malformed-results-are-refused", test_malformed_results);

  return g_test_run ();
}
