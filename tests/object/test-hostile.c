/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: object/ferry-exporter.c, object/ferry-evaluation.c
 *
 * An exporter, and callers that ask what may not be asked, or use references that they do not have: each gets an error,
 * nothing is left of it, and an honest caller is answered as before. */

#include "config.h"

#include <locale.h>
#include <string.h>

#include "conversation/replies-test.h"
#include "object/hostile-object-test.h"
#include "object/packed-message.h"

#define VIEW FERRY_OBJECT_METHOD_VIEW

static const struct
{
  const char *name; /* of the object */
  const char *steps;
  int code;
} views[] = {
  {"counter", "[(0, 'no_such', nothing)]", FERRY_ERROR_UNKNOWN_MEMBER},
  {"counter", "[(0, 'value', nothing)]", FERRY_ERROR_UNKNOWN_MEMBER},
  {"counter", "[(1, 'add', nothing)]", FERRY_ERROR_UNKNOWN_MEMBER},
  {"counter", "[(1, 'secret', nothing)]", FERRY_ERROR_UNKNOWN_MEMBER},
  {"counter", "[(2, 'secret', <'s'>)]", FERRY_ERROR_UNKNOWN_MEMBER},
  {"counter", "[(3, 'secret', nothing)]", FERRY_ERROR_UNKNOWN_MEMBER},
  {"shelf", "[(0, '_hidden_', nothing)]", FERRY_ERROR_UNKNOWN_MEMBER},
  {"counter", "[(1, 'write-only', nothing)]", FERRY_ERROR_NOT_ALLOWED},
  {"counter", "[(2, 'running', <true>)]", FERRY_ERROR_NOT_ALLOWED},
  {"counter", "[(3, 'running', nothing)]", FERRY_ERROR_NOT_ALLOWED},
  {"counter", "[(2, 'next', <'x'>)]", FERRY_ERROR_NOT_ALLOWED},
  {"counter", "[(2, 'value', <'5'>)]", FERRY_ERROR_BAD_ARGUMENTS},
  {"counter", "[(2, 'value', <uint32 5>)]", FERRY_ERROR_BAD_ARGUMENTS},
  {"counter", "[(2, 'value', <<5>>)]", FERRY_ERROR_BAD_ARGUMENTS},
  {"counter", "[(2, 'value', <1000001>)]", FERRY_ERROR_BAD_ARGUMENTS},
  {"counter", "[(2, 'value', <-1>)]", FERRY_ERROR_BAD_ARGUMENTS},
  {"counter", "[(2, 'step', <0>)]", FERRY_ERROR_BAD_ARGUMENTS},
  {"counter", "[(2, 'value', nothing)]", FERRY_ERROR_BAD_ARGUMENTS},
  {"counter", "[(3, 'value', <5>)]", FERRY_ERROR_BAD_ARGUMENTS},
  {"counter", "[(1, 'value', <5>)]", FERRY_ERROR_BAD_ARGUMENTS},
  {"counter", "[(0, 'add', nothing)]", FERRY_ERROR_BAD_ARGUMENTS},
  {"counter", "[(0, 'add', <5>)]", FERRY_ERROR_BAD_ARGUMENTS},
  {"counter", "[(0, 'add', <()>)]", FERRY_ERROR_BAD_ARGUMENTS},
  {"counter", "[(0, 'add', <('5',)>)]", FERRY_ERROR_BAD_ARGUMENTS},
  {"counter", "[(0, 'add', <(5, 6)>)]", FERRY_ERROR_BAD_ARGUMENTS},
  {"counter", "[(0, 'get_self', <(5,)>)]", FERRY_ERROR_BAD_ARGUMENTS},
  {"counter", "[(0, '', nothing)]", FERRY_ERROR_BAD_ARGUMENTS},
  {"counter", "[(1, '', nothing)]", FERRY_ERROR_BAD_ARGUMENTS},
  {"counter", "[(9, '', nothing)]", FERRY_ERROR_BAD_ARGUMENTS},
  {"counter", "[(12, 'value', nothing)]", FERRY_ERROR_BAD_ARGUMENTS},
  {"counter", "[(255, 'value', nothing)]", FERRY_ERROR_BAD_ARGUMENTS},
  {"counter", "[(2, 'value', <5>), (1, 'value', nothing)]", FERRY_ERROR_BAD_ARGUMENTS},
  {"list", "[(8, '', nothing), (8, '', nothing)]", FERRY_ERROR_BAD_ARGUMENTS},
  {"counter", "[(0, 'stop', nothing), (1, 'value', nothing)]", FERRY_ERROR_BAD_ARGUMENTS},
  {"counter", "[(0, 'stop', nothing), (0, 'get_self', nothing)]", FERRY_ERROR_BAD_ARGUMENTS},
  {"counter", "[(1, 'value', nothing), (0, 'get_self', nothing)]", FERRY_ERROR_UNKNOWN_MEMBER},
  {"counter", "[(1, 'value', nothing), (9, 'again', <(1,)>)]", FERRY_ERROR_UNKNOWN_MEMBER},
  {"counter", "[(1, 'value', nothing), (11, '', <(uint64 0, uint32 1)>)]", FERRY_ERROR_UNKNOWN_MEMBER},
  {"counter", "[(10, 'TestCounter', nothing)]", FERRY_ERROR_BAD_ARGUMENTS},
  {"counter", "[(10, 'TestCounter', nothing), (1, 'value', nothing)]", FERRY_ERROR_BAD_ARGUMENTS},
  {"twice", "[(10, 'NoSuchType', nothing), (0, 'add', <(1,)>)]", FERRY_ERROR_UNKNOWN_MEMBER},
  {"twice", "[(10, 'GListStore', nothing), (0, 'add', <(1,)>)]", FERRY_ERROR_UNKNOWN_MEMBER},
  {"twice", "[(10, 'GObject', nothing), (0, 'add', <(1,)>)]", FERRY_ERROR_UNKNOWN_MEMBER},
  {"twice", "[(10, 'gint', nothing), (0, 'add', <(1,)>)]", FERRY_ERROR_UNKNOWN_MEMBER},
  {"counter", "[(10, 'TestDoubleCounter', nothing), (0, 'add', <(1,)>)]", FERRY_ERROR_UNKNOWN_MEMBER},
  {"counter", "[(9, 'nobody', nothing)]", FERRY_RAISED_CODE + FERRY_ERROR_UNKNOWN_FUNCTION},
  {"counter", "[(0, 'give_stranger', nothing)]", FERRY_ERROR_NOT_ALLOWED},
  {"counter", "[(0, 'wrong', nothing)]", FERRY_ERROR_BAD_RESULT},
  {"counter", "[(4, '', <'key'>)]", FERRY_ERROR_UNKNOWN_MEMBER},
  {"counter", "[(8, '', nothing)]", FERRY_ERROR_UNKNOWN_MEMBER},
  {"counter", "[(11, '', <(uint64 0, uint32 1)>)]", FERRY_ERROR_UNKNOWN_MEMBER},
  {"list", "[(11, '', <(uint64 0, uint32 4294967295)>)]", FERRY_ERROR_TOO_LARGE},
  {"list", "[(11, '', <(uint64 0, uint32 1025)>)]", FERRY_ERROR_TOO_LARGE},
  {"list", "[(11, '', <(uint32 0, uint32 1)>)]", FERRY_ERROR_BAD_ARGUMENTS},
  {"list", "[(11, '', nothing)]", FERRY_ERROR_BAD_ARGUMENTS},
  {"list", "[(5, '', <(0, 1)>)]", FERRY_ERROR_BAD_ARGUMENTS},
  {"list", "[(5, '', nothing)]", FERRY_ERROR_BAD_ARGUMENTS},
  {"", "[(1, 'value', nothing)]", FERRY_ERROR_UNKNOWN_OBJECT},
  {"nobody", "[]", FERRY_ERROR_UNKNOWN_OBJECT},
};

static void
test_views (HostileObject *self)
{
  for (guint i = 0; i < G_N_ELEMENTS (views); i++)
    {
      hostile_object_assert_fails (self, i % 2, VIEW, hostile_object_view (views[i].name, views[i].steps),
                                   views[i].code);
      hostile_object_assert_answers (self, i % 2);
    }
}

/* Returns (transfer full): steps that lead nowhere. */
static char *
repeat (guint n)
{
  GString *steps = g_string_new ("[");

  for (guint i = 0; i < n; i++)
    g_string_append_printf (steps, "%s(byte 0, 'get_self', @mv nothing)", i > 0 ? ", " : "");
  return g_string_free (g_string_append_c (steps, ']'), FALSE);
}

static void
test_chain (HostileObject *self)
{
  g_autofree char *longest = repeat (FERRY_MAX_STEPS);
  g_autofree char *longer = repeat (FERRY_MAX_STEPS + 1);
  g_autofree char *huge = repeat (20000);
  g_auto (HostileAnswer) answer = {0};

  hostile_object_ask (self, 0, VIEW, hostile_object_view ("wide", longest), &answer);
  g_assert_no_error (answer.error);
  hostile_object_assert_fails (self, 0, VIEW, hostile_object_view ("wide", longer), FERRY_ERROR_TOO_LARGE);
  hostile_object_assert_fails (self, 0, VIEW, hostile_object_view ("wide", huge), FERRY_ERROR_TOO_LARGE);
}

static void
test_names (HostileObject *self)
{
  g_autofree char *name = g_strnfill (256, 'n');
  g_autofree char *steps = g_strdup_printf ("[(byte 1, '%s', @mv nothing)]", name);
  g_autofree char *super = g_strdup_printf ("[(byte 10, '%s', nothing), (0, 'add', <(1,)>)]", name);

  hostile_object_assert_fails (self, 0, VIEW, hostile_object_view ("counter", steps), FERRY_ERROR_BAD_ARGUMENTS);
  hostile_object_assert_fails (self, 0, VIEW, hostile_object_view ("twice", super), FERRY_ERROR_BAD_ARGUMENTS);
  hostile_object_assert_fails (self, 0, VIEW, hostile_object_view (name, "[]"), FERRY_ERROR_BAD_ARGUMENTS);
  hostile_object_assert_fails (self, 0, FERRY_OBJECT_METHOD_DESCRIBE, g_variant_new ("(stt)", name, 0, 0),
                               FERRY_ERROR_UNKNOWN_OBJECT);
}

/* As deep as a value may be, as deep as GVariant goes, and deeper. */
static void
test_depth (HostileObject *self)
{
  for (guint depth = 1; depth < 400; depth += 37)
    {
      GVariant *value = g_variant_new_int32 (5);
      g_auto (HostileAnswer) answer = {0};
      const FerryStep step = {FERRY_STEP_SET, "value", NULL};
      FerryChainRequest request = {.root = {"counter", 0, 0}, .n_steps = 1};
      FerryStep own = step;

      for (guint i = 0; i < depth; i++)
        value = g_variant_new_variant (value);
      own.argument = g_variant_ref_sink (value);
      request.steps = &own;
      hostile_object_ask (self, 0, VIEW, packed_request (&request), &answer);
      g_variant_unref (value);
      g_assert_nonnull (answer.error);
    }
}

/* Up to what GLib takes as a type, and aborts at where it prints or walks a value of it. */
static void
test_depth_of_types (HostileObject *self)
{
  for (guint depth = 1; depth <= 128; depth++)
    {
      g_autofree char *open = g_strnfill (depth, '(');
      g_autofree char *close = g_strnfill (depth, ')');
      g_autofree char *type = g_strconcat (open, "y", close, NULL);
      FerryStep step = {FERRY_STEP_PASS, "refuse", NULL};
      g_auto (HostileAnswer) answer = {0};
      FerryChainRequest request = {.root = {"counter", 0, 0}, .n_steps = 1, .steps = &step};

      step.argument = g_variant_ref_sink (g_variant_new_from_data (G_VARIANT_TYPE (type), "\1", 1, FALSE, NULL, NULL));
      hostile_object_ask (self, 0, VIEW, packed_request (&request), &answer);
      g_variant_unref (step.argument);
      if (depth <= 64)
        g_assert_error (answer.error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT);
      else
        g_assert_error (answer.error, FERRY_ERROR, FERRY_ERROR_BAD_ARGUMENTS);
    }
  hostile_object_assert_answers (self, 0);
}

/* ---- other types ---- */

static const char *const others[] = {
  "()",
  "'text'",
  "uint64 5",
  "('counter', uint64 0, uint64 0, 5)",
  "<('counter', uint64 0, uint64 0)>",
  "(uint64 1, uint64 2, uint64 3, uint64 4)",
  "@a{sv} {}",
  "@mv nothing",
  "@ay []",
  "b'counter'",
};

static void
test_types (HostileObject *self)
{
  static const char *const methods[] = {VIEW, FERRY_OBJECT_METHOD_DESCRIBE, FERRY_OBJECT_METHOD_FOLLOW};

  for (guint i = 0; i < G_N_ELEMENTS (methods); i++)
    {
      hostile_object_assert_fails (self, 0, methods[i], NULL, FERRY_ERROR_BAD_ARGUMENTS);
      for (guint j = 0; j < G_N_ELEMENTS (others); j++)
        hostile_object_assert_fails (self, 0, methods[i], g_variant_new_parsed (others[j]), FERRY_ERROR_BAD_ARGUMENTS);
    }
  for (guint j = 0; j < G_N_ELEMENTS (others); j++)
    hostile_object_tell (self, 0, FERRY_OBJECT_METHOD_RELEASE, g_variant_new_parsed (others[j]));
  hostile_object_assert_fails (self, 0, "ferry.NoSuch", NULL, FERRY_ERROR_UNKNOWN_FUNCTION);
  /* It has no answer. */
  hostile_object_assert_fails (self, 0, FERRY_OBJECT_METHOD_RELEASE, g_variant_new ("(ttt)", 1, 1, 1),
                               FERRY_ERROR_REFUSED);
}

static void
test_one_way (HostileObject *self)
{
  const FerryObjectRoot root = {"counter", 0, 0};

  hostile_object_tell (self, 0, VIEW, hostile_object_view ("counter", "[(0, 'make', <('x',)>)]"));
  hostile_object_tell (self, 0, VIEW, hostile_object_view ("counter", "[(0, 'nobody', nothing)]"));
  hostile_object_tell (self, 0, FERRY_OBJECT_METHOD_DESCRIBE, g_variant_new ("(stt)", "counter", 0, 0));
  hostile_object_tell (self, 0, FERRY_OBJECT_METHOD_WATCH, NULL);
  hostile_object_tell (self, 0, FERRY_OBJECT_METHOD_FOLLOW,
                       ferry_follow_request_to_variant (&root, (const char *const[]){"*", NULL}, NULL, FALSE));
  hostile_object_assert_answers (self, 0);
  g_assert_cmpint (ferry_test_get_number (self->exporter, "n-references"), ==, 0);
  g_assert_false (g_signal_has_handler_pending (self->shop->counter, g_signal_lookup ("notify", G_TYPE_OBJECT),
                                                g_quark_from_static_string ("value"), TRUE));
}

/* ---- references ---- */

static void
assert_unknown (HostileObject *self, guint index, guint64 generation, guint64 number)
{
  const FerryObjectRoot root = {"", generation, number};

  hostile_object_assert_fails (self, index, VIEW,
                               hostile_object_view_number (generation, number, "[(1, 'value', nothing)]"),
                               FERRY_ERROR_UNKNOWN_OBJECT);
  hostile_object_assert_fails (self, index, VIEW, hostile_object_view_number (generation, number, "[]"),
                               FERRY_ERROR_UNKNOWN_OBJECT);
  hostile_object_assert_fails (self, index, FERRY_OBJECT_METHOD_DESCRIBE,
                               g_variant_new ("(stt)", "counter", generation, number), FERRY_ERROR_UNKNOWN_OBJECT);
  hostile_object_assert_fails (self, index, FERRY_OBJECT_METHOD_FOLLOW,
                               ferry_follow_request_to_variant (&root, (const char *const[]){"*", NULL}, NULL, FALSE),
                               FERRY_ERROR_UNKNOWN_OBJECT);
}

static void
assert_known (HostileObject *self, guint index, guint64 generation, guint64 number)
{
  g_auto (HostileAnswer) answer = {0};

  hostile_object_ask (self, index, VIEW, hostile_object_view_number (generation, number, "[(1, 'label', nothing)]"),
                      &answer);
  g_assert_no_error (answer.error);
}

static void
release (HostileObject *self, guint index, guint64 generation, guint64 number, guint64 count)
{
  hostile_object_tell (self, index, FERRY_OBJECT_METHOD_RELEASE, g_variant_new ("(ttt)", generation, number, count));
}

static void
test_stale (HostileObject *self)
{
  guint64 generation, number, other;

  hostile_object_make (self, 0, &generation, &number);
  hostile_object_make (self, 1, &generation, &other);
  assert_known (self, 0, generation, number);
  assert_unknown (self, 1, generation, number);
  assert_unknown (self, 0, generation, other);
  assert_unknown (self, 0, generation + 1, number);
  assert_unknown (self, 0, generation, number + 1000);
  assert_unknown (self, 0, generation, 0);
  assert_unknown (self, 0, G_MAXUINT64, G_MAXUINT64);
  release (self, 0, generation, number, 1);
  assert_unknown (self, 0, generation, number);
  for (guint i = 0; i < 50; i++)
    {
      guint64 fresh;

      hostile_object_make (self, 0, &generation, &fresh);
      g_assert_cmpuint (fresh, !=, number);
      assert_unknown (self, 0, generation, number);
      release (self, 0, generation, fresh, 1);
    }
  hostile_object_make (self, 0, &generation, &number);
  hostile_object_restart (self);
  assert_unknown (self, 0, generation, number);
  assert_unknown (self, 1, generation, other);
  hostile_object_make (self, 0, &generation, &other);
  g_assert_cmpuint (other, !=, number);
  release (self, 0, generation, other, 1);
}

static void
test_release (HostileObject *self)
{
  guint64 generation, number, other;

  hostile_object_make (self, 0, &generation, &number);
  hostile_object_make (self, 1, &generation, &other);
  release (self, 1, generation, number, 1);
  release (self, 0, generation, other, G_MAXUINT64);
  release (self, 0, generation + 1, number, 1);
  release (self, 0, 0, number, 1);
  release (self, 0, generation, number, 0);
  release (self, 0, generation, number + 77, 5);
  assert_known (self, 0, generation, number);
  assert_known (self, 1, generation, other);
  release (self, 0, generation, number, G_MAXUINT64);
  release (self, 0, generation, number, 1);
  release (self, 0, generation, number, 1);
  assert_unknown (self, 0, generation, number);
  assert_known (self, 1, generation, other);
  release (self, 1, generation, other, 2);
  assert_unknown (self, 1, generation, other);
  g_assert_cmpint (ferry_test_get_number (self->exporter, "n-references"), ==, 0);
}

/* ---- subscriptions ---- */

static gboolean
next_fails_with (FerryReplies *replies, GError **error)
{
  g_autoptr (GVariant) item = NULL;

  while ((item = replies_test_next (replies, NULL, error)) != NULL)
    g_clear_pointer (&item, g_variant_unref);
  return *error != NULL;
}

typedef struct
{
  FerryReplies *replies;
  gboolean over;
  GError *error;
} Last;

/* On a thread of its own: the main context may be where it is answered. */
static gpointer
wait_last (gpointer data)
{
  Last *self = data;

  next_fails_with (self->replies, &self->error);
  self->over = TRUE;
  g_main_context_wakeup (NULL);
  return NULL;
}

static void
assert_ends (FerryReplies *replies, int code)
{
  Last last = {.replies = replies};
  GThread *thread = g_thread_new ("last", wait_last, &last);

  ferry_test_wait_flag (&last.over);
  g_thread_join (thread);
  g_assert_error (last.error, FERRY_ERROR, code);
  g_clear_error (&last.error);
}

static FerryReplies *
open_stream (HostileObject *self, const char *method, const char *property)
{
  const FerryObjectRoot root = {"counter", 0, 0};
  GVariant *arguments = NULL;
  g_autoptr (GError) error = NULL;
  FerryReplies *replies;

  if (property != NULL)
    arguments = ferry_follow_request_to_variant (&root, (const char *const[]){property, NULL}, NULL, FALSE);
  replies = ferry_mux_transact_stream (self->muxes[0], method, arguments, 2, -1, &error);
  g_assert_no_error (error);
  return replies;
}

static void
test_unknown_subscriptions (HostileObject *self)
{
  static const struct
  {
    const char *property;
    int code;
  } unknown[] = {
    {"secret", FERRY_ERROR_UNKNOWN_MEMBER},
    {"", FERRY_ERROR_UNKNOWN_MEMBER},
    {"add", FERRY_ERROR_UNKNOWN_MEMBER},
    {"write-only", FERRY_ERROR_NOT_ALLOWED},
  };

  for (guint i = 0; i < G_N_ELEMENTS (unknown); i++)
    {
      g_autoptr (FerryReplies) replies = open_stream (self, FERRY_OBJECT_METHOD_FOLLOW, unknown[i].property);

      assert_ends (replies, unknown[i].code);
    }
  hostile_object_assert_fails (self, 0, FERRY_OBJECT_METHOD_FOLLOW,
                               g_variant_new_parsed ("('counter', uint64 0, uint64 0, @as [], ['nothing'], false)"),
                               FERRY_ERROR_UNKNOWN_MEMBER);
  hostile_object_assert_fails (self, 0, FERRY_OBJECT_METHOD_FOLLOW,
                               g_variant_new_parsed ("('counter', uint64 0, uint64 0, @as [], @as [], true)"),
                               FERRY_ERROR_UNKNOWN_MEMBER);
}

static gboolean
is_followed (gpointer counter)
{
  return g_signal_has_handler_pending (counter, g_signal_lookup ("notify", G_TYPE_OBJECT),
                                       g_quark_from_static_string ("value"), TRUE);
}

static gboolean
is_not_followed (gpointer counter)
{
  return !is_followed (counter);
}

/* Also that one which is cancelled makes room for another. */
static void
fill (HostileObject *self, const char *method, const char *property)
{
  g_autoptr (GPtrArray) streams = g_ptr_array_new_with_free_func (g_object_unref);
  g_autoptr (FerryReplies) beyond = NULL;

  for (guint i = 0; i < FERRY_MAX_SUBSCRIBERS; i++)
    g_ptr_array_add (streams, open_stream (self, method, property));
  beyond = open_stream (self, method, property);
  assert_ends (beyond, FERRY_ERROR_TOO_LARGE);
  hostile_object_assert_answers (self, 0);
  for (guint i = 0; i < streams->len; i++)
    {
      g_assert_false (replies_test_is_over (streams->pdata[i]));
      ferry_replies_cancel (streams->pdata[i]);
    }
}

static void
test_many_subscriptions (HostileObject *self)
{
  for (guint i = 0; i < 2; i++)
    {
      fill (self, FERRY_OBJECT_METHOD_FOLLOW, "value");
      ferry_test_look_until (is_not_followed, self->shop->counter);
      fill (self, FERRY_OBJECT_METHOD_WATCH, NULL);
      /* What was asked before has been taken up with this. */
      hostile_object_assert_answers (self, 0);
    }
}

static void
never_cb (GObject *mux, GAsyncResult *result, gpointer data)
{
  HostileAnswer *answer = data;

  answer->value = ferry_mux_transact_finish (FERRY_MUX (mux), result, &answer->error);
  answer->over = TRUE;
}

/* Its items have no place to go to. */
static void
test_no_stream (HostileObject *self)
{
  const FerryObjectRoot root = {"counter", 0, 0};
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_auto (HostileAnswer) subscription = {0};
  g_auto (HostileAnswer) watch = {0};

  ferry_mux_transact_async (self->muxes[0], FERRY_OBJECT_METHOD_FOLLOW,
                            ferry_follow_request_to_variant (&root, (const char *const[]){"*", NULL},
                                                             (const char *const[]){"counted", NULL}, FALSE),
                            -1, cancellable, never_cb, &subscription);
  ferry_mux_transact_async (self->muxes[0], FERRY_OBJECT_METHOD_WATCH, NULL, -1, cancellable, never_cb, &watch);
  ferry_test_look_until (is_followed, self->shop->counter);
  for (int i = 0; i < 10000; i++)
    test_counter_emit (self->shop->counter, i, "x");
  hostile_object_assert_answers (self, 0);
  g_assert_false (subscription.over);
  g_cancellable_cancel (cancellable);
  ferry_test_wait_flag (&subscription.over);
  ferry_test_wait_flag (&watch.over);
  g_assert_error (subscription.error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  ferry_test_look_until (is_not_followed, self->shop->counter);
}

static gboolean
is_done (gpointer replies)
{
  return replies_test_is_over (replies);
}

static void
test_stream_of_view (HostileObject *self)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (FerryReplies) replies = ferry_mux_transact_stream (
    self->muxes[0], VIEW, hostile_object_view ("counter", "[(1, 'value', nothing)]"), 5, -1, &error);
  g_autoptr (FerryReplies) wrong = ferry_mux_transact_stream (
    self->muxes[0], VIEW, hostile_object_view ("counter", "[(77, 'value', nothing)]"), 5, -1, &error);

  g_assert_no_error (error);
  ferry_test_look_until (is_done, replies);
  assert_ends (wrong, FERRY_ERROR_BAD_ARGUMENTS);
}

/* ---- the whole ---- */

typedef struct
{
  const char *name;
  void (*func) (HostileObject *self);
} Fact;

static const Fact facts[] = {
  {"what-may-not-be-asked-is-an-error", test_views},
  {"a-chain-has-an-end", test_chain},
  {"names-are-of-any-length", test_names},
  {"values-are-of-any-depth", test_depth},
  {"types-are-of-any-depth", test_depth_of_types},
  {"requests-are-of-any-type", test_types},
  {"what-is-asked-one-way-leaves-nothing", test_one_way},
  {"a-stale-reference-reaches-no-other-object", test_stale},
  {"only-what-was-given-is-dropped", test_release},
  {"what-is-not-there-is-not-followed", test_unknown_subscriptions},
  {"subscriptions-have-a-bound", test_many_subscriptions},
  {"subscriptions-without-a-stream-go-nowhere", test_no_stream},
  {"a-view-gives-no-items", test_stream_of_view},
};

typedef struct
{
  const Fact *fact;
  guint threads;
} Case;

static void
run_case (gconstpointer data)
{
  const Case *self = data;
  HostileObject *object = hostile_object_new (self->threads);

  self->fact->func (object);
  hostile_object_free (object);
}

int
main (int argc, char **argv)
{
  static const char *const places[] = {"context", "thread"};

  setlocale (LC_ALL, "");
  g_test_init (&argc, &argv, NULL);

  for (guint i = 0; i < G_N_ELEMENTS (facts); i++)
    for (guint j = 0; j < G_N_ELEMENTS (places); j++)
      {
        g_autofree char *path = g_strdup_printf ("/object-hostile/%s/%s", places[j], facts[i].name);
        Case *one = g_new (Case, 1);

        *one = (Case){&facts[i], j};
        g_test_add_data_func_full (path, one, run_case, g_free);
      }

  return g_test_run ();
}
