/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: wire/ferry-call-message.c, wire/ferry-packing.c, wire/ferry-reserved-name.c */

#include "config.h"

#include "call/call-test.h"

#include <stddef.h>
#include <string.h>

#include "wire/ferry-remote-error-private.h"
#include "wire/ferry-reserved-name-private.h"

static gboolean
parse (FerryCallMessage *message, GBytes *bytes)
{
  g_autoptr (GError) error = NULL;
  gsize size;
  gconstpointer data = g_bytes_get_data (bytes, &size);

  if (ferry_call_message_parse (message, data, size, &error))
    return TRUE;
  g_assert_error (error, FERRY_ERROR, FERRY_ERROR_PROTOCOL);
  return FALSE;
}

static GVariant *
error_value (void)
{
  g_autoptr (GError) error = g_error_new_literal (G_IO_ERROR, G_IO_ERROR_FAILED, "It failed");

  return ferry_error_to_variant (error, NULL, NULL);
}

typedef struct
{
  FerryCallKind kind;
  gint64 number;
  const char *name;
  const char *value; /* as text; "error" for one */
} Sample;

static const Sample samples[] = {
  {FERRY_CALL_REQUEST, 0, "load", NULL},
  {FERRY_CALL_REQUEST, G_MAXINT64, "lädt", "('crate', 17, [1.5, 2.5])"},
  {FERRY_CALL_ANSWER, 0, NULL, NULL},
  {FERRY_CALL_ANSWER, 0, NULL, "@as []"},
  {FERRY_CALL_ANSWER, 0, NULL, "<('nested', <uint64 7>)>"},
  {FERRY_CALL_ERROR, 0, NULL, "error"},
  {FERRY_CALL_REFUSE, 0, NULL, "error"},
  {FERRY_CALL_ITEM, 0, NULL, "{'key': <true>}"},
  {FERRY_CALL_ITEM, 0, "page", "()"},
  {FERRY_CALL_WINDOW, 1, NULL, NULL},
  {FERRY_CALL_WINDOW, FERRY_MAX_WINDOW, NULL, NULL},
  {FERRY_CALL_CANCEL, FERRY_CANCEL_REASON_DEADLINE, NULL, NULL},
};

static GVariant *
sample_value (const Sample *sample)
{
  if (sample->value == NULL)
    return NULL;
  return g_strcmp0 (sample->value, "error") == 0 ? error_value () : g_variant_new_parsed (sample->value);
}

static GBytes *
sample_bytes (const Sample *sample)
{
  return call_test_message (sample->kind, 7, sample->number, sample->name, sample_value (sample));
}

static void
test_each_kind_comes_out_as_it_went_in (void)
{
  for (guint i = 0; i < G_N_ELEMENTS (samples); i++)
    {
      const Sample *sample = &samples[i];
      g_autoptr (GBytes) bytes = sample_bytes (sample);
      GVariant *wanted = sample_value (sample);
      g_autoptr (GVariant) value = NULL;
      FerryCallMessage message;
      g_autofree char *name = NULL;

      g_assert_true (parse (&message, bytes));
      g_assert_cmpuint (message.header.xid, ==, 7);
      g_assert_cmpuint (message.header.kind, ==, sample->kind);
      g_assert_cmpint (message.header.number, ==, sample->number);
      name = message.name != NULL ? g_strndup (message.name, message.header.name_length) : NULL;
      g_assert_cmpstr (name, ==, sample->name);
      value = ferry_call_message_dup_value (&message, NULL);
      if (wanted == NULL)
        {
          g_assert_null (value);
          continue;
        }
      g_variant_ref_sink (wanted);
      g_assert_cmpvariant (value, wanted);
      g_assert_false (g_variant_is_floating (value));
      g_variant_unref (wanted);
    }
}

static void
test_value_starts_at_a_multiple_of_eight (void)
{
  for (guint length = 1; length <= 16; length++)
    {
      g_autofree char *name = g_strnfill (length, 'n');
      g_autoptr (GBytes) bytes = call_test_message (FERRY_CALL_REQUEST, 1, 0, name, g_variant_new_uint64 (5));
      const guint8 *data = g_bytes_get_data (bytes, NULL);
      FerryCallMessage message;

      g_assert_true (parse (&message, bytes));
      g_assert_cmpuint ((gsize) ((const guint8 *) message.body - data) % 8, ==, 0);
      g_assert_cmpuint (message.body_size, ==, 8);
    }
}

static void
test_message_may_lie_anywhere (void)
{
  g_autoptr (GBytes) bytes = sample_bytes (&samples[1]);
  gsize size = g_bytes_get_size (bytes);

  for (guint offset = 0; offset < 8; offset++)
    {
      g_autofree guint8 *place = g_malloc (size + 8);
      g_autoptr (GVariant) value = NULL;
      g_autofree char *text = NULL;
      FerryCallMessage message;

      memcpy (place + offset, g_bytes_get_data (bytes, NULL), size);
      g_assert_true (ferry_call_message_parse (&message, place + offset, size, NULL));
      value = ferry_call_message_dup_value (&message, NULL);
      /* It is a copy. */
      memset (place, 0xff, size + 8);
      text = g_variant_print (value, FALSE);
      g_assert_cmpstr (text, ==, "('crate', 17, [1.5, 2.5])");
    }
}

static void
test_every_cut_before_the_value_is_refused (void)
{
  for (guint i = 0; i < G_N_ELEMENTS (samples); i++)
    {
      g_autoptr (GBytes) bytes = sample_bytes (&samples[i]);
      FerryCallMessage message;
      gsize head;

      g_assert_true (parse (&message, bytes));
      head = g_bytes_get_size (bytes) - message.body_size;
      for (gsize size = 0; size < head; size++)
        {
          g_autoptr (GBytes) cut = g_bytes_new (g_bytes_get_data (bytes, NULL), size);

          g_assert_false (parse (&message, cut));
        }
    }
}

/* A value that is cut off is one that a hostile process sent: it reads as something, or is refused as one that is
 * checked. */
static void
test_values_that_are_cut_off_do_no_harm (void)
{
  for (guint i = 0; i < G_N_ELEMENTS (samples); i++)
    {
      g_autoptr (GBytes) bytes = sample_bytes (&samples[i]);
      FerryCallMessage message;
      gsize whole;

      g_assert_true (parse (&message, bytes));
      whole = message.body_size;
      for (gsize size = g_bytes_get_size (bytes) - whole; samples[i].value != NULL && size < whole; size++)
        {
          g_autoptr (GBytes) cut = g_bytes_new (g_bytes_get_data (bytes, NULL), size);
          g_autoptr (GVariant) value = NULL;
          g_autoptr (GError) error = NULL;
          g_autofree char *text = NULL;

          g_assert_true (parse (&message, cut));
          value = ferry_call_message_dup_value (&message, &error);
          text = value != NULL ? g_variant_print (value, TRUE) : NULL;
          g_assert_true (value != NULL || message.is_checked);
          if (value == NULL)
            g_assert_error (error, FERRY_ERROR, FERRY_ERROR_PROTOCOL);
        }
    }
}

/* GLib has no bytes for such a value. */
static void
test_value_that_came_malformed_goes_on_as_zeros (void)
{
  static const char *const types[] = {"(ii)", "x", "(yxyx)"};

  for (guint i = 0; i < G_N_ELEMENTS (types); i++)
    {
      FerryCallMessage message = {
        .header = {.xid = 1, .kind = FERRY_CALL_ANSWER, .type_length = (guint16) strlen (types[i])},
        .type_string = types[i],
        .body = "abc",
        .body_size = 3,
      };
      g_autoptr (GBytes) bytes = call_test_join (&message);
      g_autoptr (GBytes) again = NULL;
      g_autoptr (GVariant) value = NULL;
      g_autoptr (GVariant) zero = NULL;

      g_assert_true (parse (&message, bytes));
      value = ferry_call_message_dup_value (&message, NULL);
      g_assert_null (g_variant_get_data (value));
      again = call_test_message (FERRY_CALL_ANSWER, 1, 0, NULL, value);
      g_assert_true (parse (&message, again));
      zero = ferry_call_message_dup_value (&message, NULL);
      g_assert_nonnull (g_variant_get_data (zero));
      g_assert_cmpvariant (zero, value);
    }
}

static void
test_bytes_without_a_type_are_refused (void)
{
  for (guint i = 0; i < G_N_ELEMENTS (samples); i++)
    {
      g_autoptr (GBytes) bytes = sample_bytes (&samples[i]);
      gsize size = g_bytes_get_size (bytes);
      g_autofree guint8 *longer = g_malloc0 (size + 1);
      g_autoptr (GBytes) with_more = NULL;
      FerryCallMessage message;

      memcpy (longer, g_bytes_get_data (bytes, NULL), size);
      with_more = g_bytes_new (longer, size + 1);
      g_assert_true (parse (&message, with_more) == (samples[i].value != NULL));
    }
}

/* ---- fields ---- */

typedef struct
{
  FerryCallKind kind;
  guint8 flags;
  guint16 window;
  guint64 xid;
  gint64 number;
  const char *name;
  const char *type;
  gboolean good;
} Case;

static GBytes *
case_bytes (const Case *one)
{
  FerryCallMessage message = {
    .header =
      {
        .kind = (guint8) one->kind,
        .flags = one->flags,
        .window = one->window,
        .xid = one->xid,
        .number = one->number,
        .name_length = (guint16) (one->name != NULL ? strlen (one->name) : 0),
        .type_length = (guint16) (one->type != NULL ? strlen (one->type) : 0),
      },
    .name = one->name,
    .type_string = one->type,
  };

  return call_test_join (&message);
}

static void
check_cases (const Case *cases, guint n_cases)
{
  for (guint i = 0; i < n_cases; i++)
    {
      g_autoptr (GBytes) bytes = case_bytes (&cases[i]);
      FerryCallMessage message;

      if (parse (&message, bytes) != cases[i].good)
        g_error ("Case %u was %s", i, cases[i].good ? "refused" : "taken");
    }
}

#define BOTH (FERRY_CALL_ONE_WAY | FERRY_CALL_STREAM)
#define E FERRY_ERROR_VARIANT_TYPE

static void
test_numbers_and_flags_have_their_range (void)
{
  static const Case cases[] = {
    {FERRY_CALL_REQUEST, 0, 0, 1, 0, "f", NULL, TRUE},
    {0, 0, 0, 1, 0, NULL, NULL, FALSE},
    {8, 0, 0, 1, 0, NULL, NULL, FALSE},
    {255, 0, 0, 1, 0, NULL, NULL, FALSE},
    {FERRY_CALL_REQUEST, 0, 0, 0, 0, "f", NULL, FALSE},
    {FERRY_CALL_REQUEST, 0, 0, G_MAXUINT64, 0, "f", NULL, TRUE},
    {FERRY_CALL_REQUEST, 0, 0, 1, -1, "f", NULL, FALSE},
    {FERRY_CALL_REQUEST, FERRY_CALL_ONE_WAY, 0, 1, 0, "f", NULL, TRUE},
    {FERRY_CALL_REQUEST, FERRY_CALL_STREAM, 0, 1, 0, "f", NULL, TRUE},
    {FERRY_CALL_REQUEST, FERRY_CALL_STREAM, 65535, 1, 0, "f", NULL, TRUE},
    {FERRY_CALL_REQUEST, BOTH, 0, 1, 0, "f", NULL, FALSE},
    {FERRY_CALL_REQUEST, 4, 0, 1, 0, "f", NULL, FALSE},
    {FERRY_CALL_REQUEST, 8, 0, 1, 0, "f", NULL, TRUE},
    {FERRY_CALL_REQUEST, 0xf8 | FERRY_CALL_STREAM, 1, 1, 0, "f", NULL, TRUE},
    {FERRY_CALL_REQUEST, 0xf8 | BOTH, 0, 1, 0, "f", NULL, FALSE},
    {FERRY_CALL_ITEM, 0x8, 0, 1, 0, NULL, "i", FALSE},
    {FERRY_CALL_ITEM, 0x10, 0, 1, 0, NULL, "i", FALSE},
    {FERRY_CALL_REQUEST, 0, 1, 1, 0, "f", NULL, FALSE},
    {FERRY_CALL_ANSWER, 0, 0, 1, 0, NULL, NULL, TRUE},
    {FERRY_CALL_ANSWER, 0, 0, 1, 1, NULL, NULL, FALSE},
    {FERRY_CALL_ANSWER, 0, 1, 1, 0, NULL, NULL, FALSE},
    {FERRY_CALL_ANSWER, FERRY_CALL_ONE_WAY, 0, 1, 0, NULL, NULL, FALSE},
    {FERRY_CALL_ITEM, 0, 0, 1, 1, NULL, "i", FALSE},
    {FERRY_CALL_WINDOW, 0, 0, 1, 0, NULL, NULL, FALSE},
    {FERRY_CALL_WINDOW, 0, 0, 1, FERRY_MAX_WINDOW, NULL, NULL, TRUE},
    {FERRY_CALL_WINDOW, 0, 0, 1, FERRY_MAX_WINDOW + 1, NULL, NULL, FALSE},
    {FERRY_CALL_WINDOW, 0, 0, 1, G_MININT64, NULL, NULL, FALSE},
    {FERRY_CALL_CANCEL, 0, 0, 1, 0, NULL, NULL, FALSE},
    {FERRY_CALL_CANCEL, 0, 0, 1, 1, NULL, NULL, TRUE},
    {FERRY_CALL_CANCEL, 0, 0, 1, 3, NULL, NULL, FALSE},
  };

  check_cases (cases, G_N_ELEMENTS (cases));
}

static void
test_names_and_values_stand_where_they_belong (void)
{
  static const Case cases[] = {
    {FERRY_CALL_REQUEST, 0, 0, 1, 0, NULL, NULL, FALSE}, {FERRY_CALL_REQUEST, 0, 0, 1, 0, "\xff", NULL, FALSE},
    {FERRY_CALL_REQUEST, 0, 0, 1, 0, "f", "i", TRUE},    {FERRY_CALL_ANSWER, 0, 0, 1, 0, "f", NULL, FALSE},
    {FERRY_CALL_ERROR, 0, 0, 1, 0, NULL, E, TRUE},       {FERRY_CALL_ERROR, 0, 0, 1, 0, NULL, NULL, FALSE},
    {FERRY_CALL_ERROR, 0, 0, 1, 0, NULL, "s", FALSE},    {FERRY_CALL_ERROR, 0, 0, 1, 0, NULL, "(sissai)", FALSE},
    {FERRY_CALL_ERROR, 0, 0, 1, 0, "f", E, FALSE},       {FERRY_CALL_REFUSE, 0, 0, 1, 0, NULL, E, TRUE},
    {FERRY_CALL_REFUSE, 0, 0, 1, 0, NULL, NULL, FALSE},  {FERRY_CALL_ITEM, 0, 0, 1, 0, NULL, "i", TRUE},
    {FERRY_CALL_ITEM, 0, 0, 1, 0, "page", "i", TRUE},    {FERRY_CALL_ITEM, 0, 0, 1, 0, "page", NULL, FALSE},
    {FERRY_CALL_WINDOW, 0, 0, 1, 1, "f", NULL, FALSE},   {FERRY_CALL_WINDOW, 0, 0, 1, 1, NULL, "i", FALSE},
    {FERRY_CALL_CANCEL, 0, 0, 1, 1, NULL, "i", FALSE},   {FERRY_CALL_CANCEL, 0, 0, 1, 1, "f", NULL, FALSE},
  };

  check_cases (cases, G_N_ELEMENTS (cases));
}

static void
test_types_are_definite (void)
{
  static const Case cases[] = {
    {FERRY_CALL_ANSWER, 0, 0, 1, 0, NULL, "a{sv}", TRUE}, {FERRY_CALL_ANSWER, 0, 0, 1, 0, NULL, "*", FALSE},
    {FERRY_CALL_ANSWER, 0, 0, 1, 0, NULL, "a?", FALSE},   {FERRY_CALL_ANSWER, 0, 0, 1, 0, NULL, "(ir)", FALSE},
    {FERRY_CALL_ANSWER, 0, 0, 1, 0, NULL, "ii", FALSE},   {FERRY_CALL_ANSWER, 0, 0, 1, 0, NULL, "(i", FALSE},
    {FERRY_CALL_ANSWER, 0, 0, 1, 0, NULL, "z", FALSE},    {FERRY_CALL_ANSWER, 0, 0, 1, 0, NULL, "{vs}", FALSE},
    {FERRY_CALL_ANSWER, 0, 0, 1, 0, NULL, "i ", FALSE},
  };
  g_autofree char *longest = g_strnfill (FERRY_MAX_CALL_TYPE, 'i');
  g_autofree char *deep = g_strnfill (FERRY_MAX_CALL_TYPE, 'a');
  Case one = {FERRY_CALL_ANSWER, 0, 0, 1, 0, NULL, longest, TRUE};

  check_cases (cases, G_N_ELEMENTS (cases));
  longest[0] = '(';
  longest[FERRY_MAX_CALL_TYPE - 1] = ')';
  check_cases (&one, 1);
  one.type = deep;
  one.good = FALSE;
  deep[FERRY_MAX_CALL_TYPE - 1] = 'i';
  check_cases (&one, 1);
}

/* Returns a floating reference: n variants around a number. */
static GVariant *
make_variants (guint n)
{
  GVariant *value = g_variant_new_int32 (1);

  for (; n > 0; n--)
    value = g_variant_new_variant (value);
  return value;
}

/* What one end refuses to send, the other one refuses to take. */
static void
test_values_have_64_levels_at_most (void)
{
  for (guint n = 63; n <= 66; n++)
    {
      g_autoptr (GVariant) value = g_variant_ref_sink (make_variants (n));
      g_autoptr (GBytes) bytes = call_test_message (FERRY_CALL_REQUEST, 1, 0, "f", value);
      g_autoptr (GError) error = NULL;
      g_autoptr (GError) fault = NULL;
      g_autoptr (GVariant) taken = NULL;
      FerryCallMessage message;

      g_assert_true (parse (&message, bytes));
      taken = ferry_call_message_dup_value (&message, &fault);
      g_assert_cmpint (taken != NULL, ==, n <= 64);
      g_assert_cmpint (ferry_call_message_check ("f", value, &error), ==, n <= 64);
      if (n <= 64)
        continue;
      g_assert_error (error, FERRY_ERROR, FERRY_ERROR_TOO_LARGE);
      g_assert_nonnull (strstr (error->message, "64 levels"));
      g_assert_error (fault, FERRY_ERROR, FERRY_ERROR_PROTOCOL);
      g_assert_nonnull (strstr (fault->message, "64 levels"));
    }
}

static void
test_types_have_64_levels_at_most (void)
{
  Case one = {FERRY_CALL_ANSWER, 0, 0, 1, 0, NULL, NULL, FALSE};

  for (guint n = 1; n <= 128; n++)
    {
      g_autofree char *open = g_strnfill (n, '(');
      g_autofree char *close = g_strnfill (n, ')');
      g_autofree char *type = g_strconcat (open, "y", close, NULL);

      one.type = type;
      one.good = n <= 64;
      check_cases (&one, 1);
    }
}

static void
test_zero_bytes_are_refused_in_names_and_types (void)
{
  g_autoptr (GBytes) bytes = call_test_message (FERRY_CALL_REQUEST, 1, 0, "name", g_variant_new ("(ss)", "a", "b"));
  gsize size;
  g_autofree guint8 *data = g_bytes_unref_to_data (g_bytes_ref (bytes), &size);
  FerryCallMessage message;

  for (gsize i = sizeof (FerryCallHeader); i < sizeof (FerryCallHeader) + 8; i++)
    {
      guint8 byte = data[i];

      data[i] = 0;
      g_assert_false (ferry_call_message_parse (&message, data, size, NULL));
      data[i] = byte;
    }
  g_assert_true (ferry_call_message_parse (&message, data, size, NULL));
}

static void
test_lengths_are_bounded (void)
{
  g_autofree char *name = g_strnfill (FERRY_MAX_CALL_NAME + 1, 'n');
  g_autofree char *type = g_strnfill (FERRY_MAX_CALL_TYPE + 1, 'i');
  Case cases[] = {
    {FERRY_CALL_REQUEST, 0, 0, 1, 0, name, NULL, FALSE},
    {FERRY_CALL_REQUEST, 0, 0, 1, 0, name + 1, NULL, TRUE},
    {FERRY_CALL_ANSWER, 0, 0, 1, 0, NULL, type, FALSE},
  };

  type[0] = '(';
  type[FERRY_MAX_CALL_TYPE] = ')';
  check_cases (cases, G_N_ELEMENTS (cases));
}

static void
test_random_bytes_do_no_harm (void)
{
  g_autoptr (GRand) rand = g_rand_new_with_seed (3);

  for (guint i = 0; i < 100000; i++)
    {
      g_autoptr (GBytes) bytes = sample_bytes (&samples[i % G_N_ELEMENTS (samples)]);
      gsize size = g_bytes_get_size (bytes);
      g_autofree guint8 *data = g_memdup2 (g_bytes_get_data (bytes, NULL), size);
      g_autoptr (GVariant) value = NULL;
      FerryCallMessage message;

      for (gint32 n = g_rand_int_range (rand, 1, 8); n > 0; n--)
        data[g_rand_int_range (rand, 0, (gint32) size)] = (guint8) g_rand_int (rand);
      if (!ferry_call_message_parse (&message, data, size, NULL))
        continue;
      value = ferry_call_message_dup_value (&message, NULL);
      if (value != NULL)
        g_free (g_variant_print (value, TRUE));
    }
}

/* A program does not know the library's own methods, so that messages to it do not name them. */
static void
reserved_names_are_words_to_users (void)
{
  g_assert_cmpstr (ferry_name_in_words ("ferry.View"), ==, "a chain of operations");
  g_assert_cmpstr (ferry_name_in_words (FERRY_CHANNEL_METHOD), ==, "the messages of a channel");
  g_assert_cmpstr (ferry_name_in_words (FERRY_MAP_FUNCTION), ==, "a part of a map");
  g_assert_cmpstr (ferry_name_in_words ("double"), ==, "double");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, G_TEST_OPTION_ISOLATE_DIRS, NULL);
#define ADD(path, func) g_test_add_func ("/call-message/" path, func)
  ADD ("each-kind-comes-out-as-it-went-in", test_each_kind_comes_out_as_it_went_in);
  ADD ("value-starts-at-a-multiple-of-eight", test_value_starts_at_a_multiple_of_eight);
  ADD ("message-may-lie-anywhere", test_message_may_lie_anywhere);
  ADD ("every-cut-before-the-value-is-refused", test_every_cut_before_the_value_is_refused);
  ADD ("values-that-are-cut-off-do-no-harm", test_values_that_are_cut_off_do_no_harm);
  ADD ("value-that-came-malformed-goes-on-as-zeros", test_value_that_came_malformed_goes_on_as_zeros);
  ADD ("bytes-without-a-type-are-refused", test_bytes_without_a_type_are_refused);
  ADD ("numbers-and-flags-have-their-range", test_numbers_and_flags_have_their_range);
  ADD ("names-and-values-stand-where-they-belong", test_names_and_values_stand_where_they_belong);
  ADD ("types-are-definite", test_types_are_definite);
  ADD ("values-have-64-levels-at-most", test_values_have_64_levels_at_most);
  ADD ("types-have-64-levels-at-most", test_types_have_64_levels_at_most);
  ADD ("zero-bytes-are-refused-in-names-and-types", test_zero_bytes_are_refused_in_names_and_types);
  ADD ("lengths-are-bounded", test_lengths_are_bounded);
  ADD ("random-bytes-do-no-harm", test_random_bytes_do_no_harm);
#undef ADD
  g_test_add_func ("/call-message/reserved-names-are-words-to-users", reserved_names_are_words_to_users);

  return g_test_run ();
}
