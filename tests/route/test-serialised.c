/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: route/ferry-receiver.c, engine/ferry-drain.c
 *
 * Values that are sent in serialised form, and handlers that get them so. */

#include "config.h"

#include "route/route-test.h"

#include <string.h>

#include "wire/ferry-lane-layout.h"

#define RECORD_TYPE G_VARIANT_TYPE ("(utd)")
#define LARGE_COUNT 20000

typedef struct
{
  guint32 count;
  _Alignas(8) guint64 bytes;
  _Alignas(8) double seconds;
} Record;

/* A pipe, and what arrives by its serialised handler and by its signal. */
typedef struct
{
  FerryRouter *router;     /* (owned) */
  FerrySender *sender;     /* (owned): started */
  FerryReceiver *receiver; /* (owned) */
  GPtrArray *handled;      /* (owned) (element-type GVariant): made of what the handler got */
  GPtrArray *emitted;      /* (owned) (element-type GVariant) */
  guint wanted;
  guint n_destroyed;
} Scene;

static void
handled_cb (FerryReceiver *receiver, const GVariantType *type, gconstpointer data, gsize size, gpointer user_data)
{
  Scene *self = user_data;
  gpointer copy = g_memdup2 (data, size);
  GVariant *value = g_variant_ref_sink (g_variant_new_from_data (type, copy, size, FALSE, g_free, copy));

  g_assert_cmpuint ((gsize) data % 8, ==, 0);
  g_assert_true (g_variant_is_normal_form (value));
  g_ptr_array_add (self->handled, value);
}

static void
message_cb (FerryReceiver *receiver, GVariant *message, gpointer user_data)
{
  g_ptr_array_add (((Scene *) user_data)->emitted, g_variant_ref (message));
}

static void
destroyed_cb (gpointer user_data)
{
  ((Scene *) user_data)->n_destroyed++;
}

static void
scene_init (Scene *self, FerryPipeFlags flags)
{
  g_autoptr (GError) error = NULL;

  *self = (Scene){.router = ferry_test_router_new ()};
  self->handled = g_ptr_array_new_with_free_func ((GDestroyNotify) g_variant_unref);
  self->emitted = g_ptr_array_new_with_free_func ((GDestroyNotify) g_variant_unref);
  ferry_router_pipe (self->router, flags, &self->sender, &self->receiver, &error);
  g_assert_no_error (error);
  ferry_receiver_set_serialised_handler (self->receiver, handled_cb, self, destroyed_cb);
  g_signal_connect (self->receiver, "message", G_CALLBACK (message_cb), self);
  ferry_sender_start (self->sender, &error);
  g_assert_no_error (error);
}

static void
scene_clear (Scene *self)
{
  g_signal_handlers_disconnect_by_data (self->receiver, self);
  ferry_receiver_set_handler (self->receiver, NULL, NULL, NULL);
  g_assert_cmpuint (self->n_destroyed, ==, 1);
  ferry_router_close_pipe (self->router, self->receiver, NULL);
  g_object_unref (self->sender);
  g_object_unref (self->receiver);
  ferry_test_router_stop (self->router);
  g_ptr_array_unref (self->handled);
  g_ptr_array_unref (self->emitted);
}

static gboolean
has_wanted (gpointer data)
{
  Scene *self = data;

  return self->handled->len + self->emitted->len >= self->wanted;
}

/* Waits until so many messages were handled, and so many emitted. */
static void
wait_for (Scene *self, guint n_handled, guint n_emitted)
{
  self->wanted = n_handled + n_emitted;
  ferry_test_run_until (has_wanted, self);
  g_assert_cmpuint (self->handled->len, ==, n_handled);
  g_assert_cmpuint (self->emitted->len, ==, n_emitted);
}

static void
send (Scene *self, const char *type, gconstpointer data, gsize size)
{
  g_autoptr (GError) error = NULL;

  ferry_sender_send_serialised (self->sender, G_VARIANT_TYPE (type), data, size, &error);
  g_assert_no_error (error);
}

static void
send_parsed (Scene *self, const char *text)
{
  g_autoptr (GVariant) value = g_variant_parse (NULL, text, NULL, NULL, NULL);

  send (self, g_variant_get_type_string (value), g_variant_get_data (value), g_variant_get_size (value));
}

static void
assert_prints (GPtrArray *values, guint index, const char *text)
{
  g_autofree char *printed = g_variant_print (g_ptr_array_index (values, index), TRUE);

  g_assert_cmpstr (printed, ==, text);
}

/* A record with rubbish for padding. */
static Record
make_record (guint32 count)
{
  Record record;

  memset (&record, 0xaa, sizeof record);
  record.count = count;
  record.bytes = 7;
  record.seconds = 0.5;
  return record;
}

static void
test_a_struct_arrives_as_it_lies (gconstpointer flags)
{
  Record record = make_record (3);
  Scene scene;

  scene_init (&scene, (FerryPipeFlags) GPOINTER_TO_UINT (flags));
  for (guint i = 1; i <= 3; i++)
    {
      send (&scene, "(utd)", &record, sizeof record);
      wait_for (&scene, i, 0);
      assert_prints (scene.handled, i - 1, "(uint32 3, uint64 7, 0.5)");
    }
  scene_clear (&scene);
}

/* Sends a value of fixed size, with all its bytes the same rubbish, twice: the first time the type is new. */
static void
send_rubbish (Scene *self, const char *type)
{
  const guint n_handled = self->handled->len;
  g_autoptr (GVariant) rubbish = NULL;
  g_autoptr (GVariant) normal = NULL;
  guint8 data[1024];
  gsize size = 0;

  memset (data, 0xaa, sizeof data);
  while (size < sizeof data && normal == NULL)
    {
      g_clear_pointer (&rubbish, g_variant_unref);
      rubbish = g_variant_ref_sink (g_variant_new_from_data (G_VARIANT_TYPE (type), data, ++size, FALSE, NULL, NULL));
      if (g_variant_get_data (rubbish) != NULL)
        normal = g_variant_get_normal_form (rubbish);
    }
  for (guint i = 0; i < 2; i++)
    {
      send (self, type, data, size);
      wait_for (self, n_handled + i + 1, 0);
      g_assert_true (g_variant_equal (self->handled->pdata[n_handled + i], normal));
    }
}

static void
test_the_padding_of_any_struct_arrives_as_zeroes (void)
{
  static const char *const types[] = {"(yt)",  "(qt)",         "(ut)",      "(tu)", "(yu)", "(uu)",
                                      "(yyt)", "((yt)(ut)qt)", "(y(tu)qd)", "(tt)", "t",    "(qqqq)"};
  g_autoptr (GString) long_type = g_string_new ("(");
  Scene scene;

  scene_init (&scene, FERRY_PIPE_QUEUED);
  for (guint i = 0; i < G_N_ELEMENTS (types); i++)
    send_rubbish (&scene, types[i]);
  for (guint i = 0; i < 40; i++)
    g_string_append (long_type, "ut");
  g_string_append_c (long_type, ')');
  send_rubbish (&scene, long_type->str);
  scene_clear (&scene);
}

/* Such a pipe does not keep its types: two types may have the same address, one after the other. */
static void
test_latest_values_may_change_their_type (void)
{
  const Record record = make_record (3);
  const guint32 number = 5;
  Scene scene;

  scene_init (&scene, FERRY_PIPE_LATEST);
  for (guint i = 0; i < 8; i += 2)
    {
      send (&scene, "(utd)", &record, sizeof record);
      wait_for (&scene, i + 1, 0);
      assert_prints (scene.handled, i, "(uint32 3, uint64 7, 0.5)");
      send (&scene, "u", &number, sizeof number);
      wait_for (&scene, i + 2, 0);
      assert_prints (scene.handled, i + 1, "uint32 5");
    }
  scene_clear (&scene);
}

static void
test_all_kinds_of_messages_reach_the_handler_in_order (void)
{
  Scene scene;

  scene_init (&scene, FERRY_PIPE_QUEUED);
  send_parsed (&scene, "('ship', {'size': <1>, 'name': <'Ann'>})");
  g_assert_true (ferry_sender_send (scene.sender, g_variant_new_parsed ("('boat', {'size': <2>})"), NULL));
  g_assert_true (ferry_sender_send_bytes (scene.sender, "ab", 2, NULL));
  g_assert_true (ferry_sender_send_bytes (scene.sender, NULL, 0, NULL));
  send_parsed (&scene, "@as []");
  send_parsed (&scene, "('raft', @a{sv} {})");
  wait_for (&scene, 6, 0);
  assert_prints (scene.handled, 0, "('ship', {'size': <1>, 'name': <'Ann'>})");
  assert_prints (scene.handled, 1, "('boat', {'size': <2>})");
  assert_prints (scene.handled, 2, "[byte 0x61, 0x62]");
  assert_prints (scene.handled, 3, "@ay []");
  assert_prints (scene.handled, 4, "@as []");
  assert_prints (scene.handled, 5, "('raft', @a{sv} {})");
  scene_clear (&scene);
}

static void
test_the_signal_brings_a_variant (void)
{
  Record record = make_record (4);
  Scene scene;

  scene_init (&scene, FERRY_PIPE_QUEUED);
  ferry_receiver_set_serialised_handler (scene.receiver, NULL, NULL, NULL);
  send (&scene, "(utd)", &record, sizeof record);
  wait_for (&scene, 0, 1);
  assert_prints (scene.emitted, 0, "(uint32 4, uint64 7, 0.5)");
  g_assert_true (g_variant_is_normal_form (scene.emitted->pdata[0]));
  scene_clear (&scene);
}

/* The type may be a part of another one, without a zero byte behind it. */
static void
test_a_type_may_lie_within_another (void)
{
  const guint32 number = 5;
  Scene scene;

  scene_init (&scene, FERRY_PIPE_QUEUED);
  for (guint i = 0; i < 2; i++)
    g_assert_true (ferry_sender_send_serialised (scene.sender, g_variant_type_first (G_VARIANT_TYPE ("(ut)")), &number,
                                                 sizeof number, NULL));
  wait_for (&scene, 2, 0);
  assert_prints (scene.handled, 1, "uint32 5");
  scene_clear (&scene);
}

static void
test_large_arrays_arrive_without_padding (void)
{
  g_autofree Record *records = g_new (Record, LARGE_COUNT);
  FerryBuffer *buffer = NULL;
  Scene scene;

  for (guint i = 0; i < LARGE_COUNT; i++)
    records[i] = make_record (i);
  scene_init (&scene, FERRY_PIPE_QUEUED);
  for (guint i = 0; i < 2; i++)
    {
      g_autoptr (GVariant) child = NULL;

      send (&scene, "a(utd)", records, LARGE_COUNT * sizeof *records);
      wait_for (&scene, i + 1, 0);
      child = g_variant_get_child_value (scene.handled->pdata[i], LARGE_COUNT - 1);
      g_assert_cmpuint (g_variant_n_children (scene.handled->pdata[i]), ==, LARGE_COUNT);
      g_assert_cmpuint (*(const guint32 *) g_variant_get_data (child), ==, LARGE_COUNT - 1);
      /* The second one goes in pieces, since no other buffer is to spare. */
      if (buffer == NULL)
        buffer = ferry_sender_create_buffer (scene.sender, FERRY_DEFAULT_ARENA_SIZE / 4 * 3, NULL);
      g_assert_nonnull (buffer);
    }
  ferry_buffer_unref (buffer);
  scene_clear (&scene);
}

/* What is not normal: a boolean, a text, and a size. */
static void
test_what_is_not_normal_is_emitted (gconstpointer flags)
{
  static const struct
  {
    const char *type;
    const char *bytes;
    gsize size;
    const char *reads_as;
  } rows[] = {
    {"(yb)", "\1\2", 2, "(byte 0x01, true)"},
    {"s", "ab", 2, "''"},
    {"s", "\xff\0", 2, "''"},
    {"au", "abc", 3, "@au []"},
    {"o", "a", 2, "objectpath '/'"},
  };
  guint n = 0;
  Scene scene;

  scene_init (&scene, (FerryPipeFlags) GPOINTER_TO_UINT (flags));
  for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      send (&scene, rows[i].type, rows[i].bytes, rows[i].size);
      wait_for (&scene, 0, ++n);
      assert_prints (scene.emitted, i, rows[i].reads_as);
      g_assert_false (g_variant_is_normal_form (scene.emitted->pdata[i]));
    }
  send_parsed (&scene, "[true]");
  wait_for (&scene, 1, n);
  g_assert_cmpuint (ferry_test_get_number (scene.receiver, "n-messages"), ==, n + 1);
  scene_clear (&scene);
}

/* An array with offsets out of order, and the inside of a variant. */
static void
test_what_is_checked_there_is_not_sent (gconstpointer flags)
{
  static const struct
  {
    const char *type;
    const char *bytes;
    gsize size;
  } rows[] = {{"as", "a\0b\0\4\2", 6}, {"v", "\2\0b", 3}, {"v", "ab", 2}, {"a{sv}", "a", 1}};
  Scene scene;

  scene_init (&scene, (FerryPipeFlags) GPOINTER_TO_UINT (flags));
  for (guint i = 0; i < 2 * G_N_ELEMENTS (rows); i++)
    {
      const guint row = i / 2;
      g_autoptr (GError) error = NULL;

      g_assert_false (ferry_sender_send_serialised (scene.sender, G_VARIANT_TYPE (rows[row].type), rows[row].bytes,
                                                    rows[row].size, &error));
      g_assert_error (error, FERRY_ERROR, FERRY_ERROR_BAD_ARGUMENTS);
    }
  send_parsed (&scene, "['a', 'b']");
  wait_for (&scene, 1, 0);
  scene_clear (&scene);
}

static void
test_a_struct_of_another_size_is_a_mistake (void)
{
  Record record = make_record (1);
  Scene scene;

  scene_init (&scene, FERRY_PIPE_QUEUED);
  for (guint i = 0; i < 2; i++)
    {
      g_test_expect_message (G_LOG_DOMAIN, G_LOG_LEVEL_CRITICAL, "*(utd) has 24 bytes, not 20*");
      g_assert_false (ferry_sender_send_serialised (scene.sender, RECORD_TYPE, &record, 20, NULL));
      g_test_assert_expected_messages ();
      send (&scene, "(utd)", &record, sizeof record);
    }
  g_test_expect_message (G_LOG_DOMAIN, G_LOG_LEVEL_CRITICAL, "*is_definite*");
  g_assert_false (ferry_sender_send_serialised (scene.sender, G_VARIANT_TYPE_ANY, &record, 20, NULL));
  g_test_assert_expected_messages ();
  wait_for (&scene, 2, 0);
  scene_clear (&scene);
}

/* Returns (transfer full): a byte in so many variants. */
static GVariant *
nest (guint levels)
{
  GVariant *value = g_variant_new_byte (1);

  for (; levels > 0; levels--)
    value = g_variant_new_variant (value);
  return g_variant_ref_sink (value);
}

static void
test_more_than_64_levels_are_refused (void)
{
  g_autofree char *deep = g_strnfill (64, 'a');
  g_autofree char *type = g_strconcat (deep, "ay", NULL);
  g_autoptr (GVariant) deepest = nest (64);
  g_autoptr (GVariant) deeper = nest (65);
  Scene scene;

  scene_init (&scene, FERRY_PIPE_QUEUED);
  for (guint i = 0; i < 2; i++)
    {
      g_autoptr (GError) error = NULL;

      send (&scene, "v", g_variant_get_data (deepest), g_variant_get_size (deepest));
      g_assert_false (ferry_sender_send_serialised (scene.sender, G_VARIANT_TYPE_VARIANT, g_variant_get_data (deeper),
                                                    g_variant_get_size (deeper), &error));
      g_assert_error (error, FERRY_ERROR, FERRY_ERROR_TOO_LARGE);
      g_clear_error (&error);
      g_assert_false (ferry_sender_send_serialised (scene.sender, G_VARIANT_TYPE (type), NULL, 0, &error));
      g_assert_error (error, FERRY_ERROR, FERRY_ERROR_TOO_LARGE);
    }
  wait_for (&scene, 2, 0);
  scene_clear (&scene);
}

/* Returns (transfer full): the type of a tuple of so many numbers. */
static char *
make_tuple_type (guint n)
{
  g_autofree char *members = g_strnfill (n, 'u');

  return g_strdup_printf ("(%s)", members);
}

/* More types than a pipe announces, and one that is too long to be announced. */
static void
test_types_that_cannot_be_announced_come_in_a_variant (gconstpointer flags)
{
  const gboolean is_latest = GPOINTER_TO_UINT (flags) == FERRY_PIPE_LATEST;
  const guint n_types = is_latest ? 150 : 200;
  const guint most = is_latest ? n_types : FERRY_MAX_TYPES_PER_PIPE / 2;
  g_autofree guint32 *numbers = g_new0 (guint32, 2000);
  g_autofree char *long_type = make_tuple_type (1100);
  Scene scene;

  scene_init (&scene, (FerryPipeFlags) GPOINTER_TO_UINT (flags));
  for (guint n = 1; n <= n_types; n++)
    {
      g_autofree char *type = make_tuple_type (n);
      GVariant *value;

      numbers[n - 1] = n;
      send (&scene, type, numbers, n * sizeof *numbers);
      wait_for (&scene, n, 0);
      value = scene.handled->pdata[n - 1];
      g_assert_cmpstr (g_variant_get_type_string (value), ==, n <= most ? type : "v");
      g_assert_cmpuint (g_variant_get_size (value), ==, n * sizeof *numbers + (n <= most ? 0 : 1 + strlen (type)));
    }
  if (!is_latest)
    {
      send (&scene, long_type, numbers, 1100 * sizeof *numbers);
      wait_for (&scene, n_types + 1, 0);
      g_assert_cmpstr (g_variant_get_type_string (scene.handled->pdata[n_types]), ==, "v");
    }
  scene_clear (&scene);
}

static void
test_a_sender_that_is_not_started_refuses (void)
{
  g_autoptr (FerryRouter) router = ferry_test_router_new ();
  g_autoptr (FerrySender) sender = NULL;
  g_autoptr (FerryReceiver) receiver = NULL;
  g_autoptr (GError) error = NULL;
  const guint32 number = 1;

  route_test_pipe (router, &sender, &receiver);
  g_assert_false (ferry_sender_send_serialised (sender, G_VARIANT_TYPE_UINT32, &number, sizeof number, &error));
  g_assert_error (error, FERRY_ERROR, FERRY_ERROR_NOT_STARTED);
  ferry_router_close_pipe (router, receiver, NULL);
  ferry_test_router_stop (g_steal_pointer (&router));
}

static void
test_a_full_lane_and_a_cancellable_end_a_send (void)
{
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (GError) error = NULL;
  Record record = make_record (1);
  Scene scene;

  scene_init (&scene, FERRY_PIPE_QUEUED);
  g_object_set (scene.sender, "timeout", (gint64) 0, NULL);
  while (ferry_sender_send_serialised (scene.sender, RECORD_TYPE, &record, sizeof record, &error))
    ;
  g_assert_error (error, FERRY_ERROR, FERRY_ERROR_WOULD_BLOCK);
  g_clear_error (&error);
  g_cancellable_cancel (cancellable);
  g_object_set (scene.sender, "timeout", (gint64) -1, "cancellable", cancellable, NULL);
  g_assert_false (ferry_sender_send_serialised (scene.sender, RECORD_TYPE, &record, sizeof record, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  scene_clear (&scene);
}

static void
replacing_cb (FerryReceiver *receiver, const GVariantType *type, gconstpointer data, gsize size, gpointer user_data)
{
  Scene *self = user_data;

  ferry_receiver_set_serialised_handler (receiver, handled_cb, self, NULL);
  g_assert_cmpuint (self->n_destroyed, ==, 2);
  handled_cb (receiver, type, data, size, user_data);
}

static void
test_a_handler_may_replace_itself (void)
{
  Scene scene;

  scene_init (&scene, FERRY_PIPE_QUEUED);
  ferry_receiver_set_serialised_handler (scene.receiver, replacing_cb, &scene, destroyed_cb);
  for (guint i = 0; i < 3; i++)
    send_parsed (&scene, "'text'");
  wait_for (&scene, 3, 0);
  scene.n_destroyed--;
  scene_clear (&scene);
}

#define N_THREADS 4
#define N_RECORDS 3000

static gpointer
send_records (gpointer data)
{
  static const char *const types[] = {"(utd)", "(utt)", "(utx)"};
  Scene *scene = data;

  for (guint32 i = 0; i < N_RECORDS; i++)
    {
      Record record = make_record (i);

      g_assert_true (
        ferry_sender_send_serialised (scene->sender, G_VARIANT_TYPE (types[i % 3]), &record, sizeof record, NULL));
    }
  return NULL;
}

static void
test_several_threads_send_several_types (void)
{
  GThread *threads[N_THREADS];
  guint64 sum = 0;
  Scene scene;

  scene_init (&scene, FERRY_PIPE_QUEUED);
  for (guint i = 0; i < N_THREADS; i++)
    threads[i] = g_thread_new ("sender", send_records, &scene);
  wait_for (&scene, N_THREADS * N_RECORDS, 0);
  for (guint i = 0; i < N_THREADS; i++)
    g_thread_join (threads[i]);
  for (guint i = 0; i < scene.handled->len; i++)
    sum += *(const guint32 *) g_variant_get_data (scene.handled->pdata[i]);
  g_assert_cmpuint (sum, ==, N_THREADS * (guint64) N_RECORDS * (N_RECORDS - 1) / 2);
  scene_clear (&scene);
}

int
main (int argc, char **argv)
{
  const gconstpointer latest = GUINT_TO_POINTER (FERRY_PIPE_LATEST);

  route_test_init (&argc, &argv);

  g_test_add_data_func ("/serialised/a-struct-arrives-as-it-lies", NULL, test_a_struct_arrives_as_it_lies);
  g_test_add_data_func ("/serialised/a-struct-is-a-latest-value", latest, test_a_struct_arrives_as_it_lies);
  g_test_add_func ("/serialised/the-padding-of-any-struct-arrives-as-zeroes",
                   test_the_padding_of_any_struct_arrives_as_zeroes);
  g_test_add_func ("/serialised/latest-values-may-change-their-type", test_latest_values_may_change_their_type);
  g_test_add_func ("/serialised/all-kinds-of-messages-reach-the-handler-in-order",
                   test_all_kinds_of_messages_reach_the_handler_in_order);
  g_test_add_func ("/serialised/the-signal-brings-a-variant", test_the_signal_brings_a_variant);
  g_test_add_func ("/serialised/a-type-may-lie-within-another", test_a_type_may_lie_within_another);
  g_test_add_func ("/serialised/large-arrays-arrive-without-padding", test_large_arrays_arrive_without_padding);
  g_test_add_data_func ("/serialised/what-is-not-normal-is-emitted", NULL, test_what_is_not_normal_is_emitted);
  g_test_add_data_func ("/serialised/a-latest-value-that-is-not-normal-is-emitted", latest,
                        test_what_is_not_normal_is_emitted);
  g_test_add_data_func ("/serialised/what-is-checked-there-is-not-sent", NULL, test_what_is_checked_there_is_not_sent);
  g_test_add_data_func ("/serialised/a-latest-value-that-is-checked-there-is-not-sent", latest,
                        test_what_is_checked_there_is_not_sent);
  g_test_add_func ("/serialised/a-struct-of-another-size-is-a-mistake", test_a_struct_of_another_size_is_a_mistake);
  g_test_add_func ("/serialised/more-than-64-levels-are-refused", test_more_than_64_levels_are_refused);
  g_test_add_data_func ("/serialised/types-that-cannot-be-announced-come-in-a-variant", NULL,
                        test_types_that_cannot_be_announced_come_in_a_variant);
  g_test_add_data_func ("/serialised/latest-values-have-any-number-of-types", latest,
                        test_types_that_cannot_be_announced_come_in_a_variant);
  g_test_add_func ("/serialised/a-sender-that-is-not-started-refuses", test_a_sender_that_is_not_started_refuses);
  g_test_add_func ("/serialised/a-full-lane-and-a-cancellable-end-a-send",
                   test_a_full_lane_and_a_cancellable_end_a_send);
  g_test_add_func ("/serialised/a-handler-may-replace-itself", test_a_handler_may_replace_itself);
  g_test_add_func ("/serialised/several-threads-send-several-types", test_several_threads_send_several_types);
  return g_test_run ();
}
