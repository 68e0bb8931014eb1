/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: object/ferry-evaluation.c, conversation/ferry-invocation.c
 *
 * The invocation that a method gets: what it says, how it is answered, and that it outlives its call. */

#include "config.h"

#include <locale.h>
#include <sys/stat.h>
#include <unistd.h>

#include "conversation/ferry-invocation-private.h"
#include "object/ferry-proxy-private.h"
#include "pair-scene.h"

#define LOCAL GINT_TO_POINTER (1)
#define REMOTE NULL

typedef struct
{
  PairScene pair;
  GPtrArray *kept;      /* (element-type FerryInvocation) (owned): of look () */
  GPtrArray *cancelled; /* (element-type GCancellable) (owned): of the same */
} Scene;

typedef struct
{
  GError *error; /* (owned) (nullable) */
  gboolean over;
} Outcome;

static void
look (gpointer object, FerryInvocation *invocation, gpointer data)
{
  Scene *self = data;

  g_assert_true (ferry_invocation_get_object (invocation) == object);
  g_assert_true (ferry_invocation_get_transport (invocation) == (self->pair.local ? NULL : self->pair.there));
  g_assert_false (ferry_invocation_is_one_way (invocation));
  g_assert_false (ferry_invocation_is_cancelled (invocation));
  g_assert_cmpint (ferry_invocation_get_deadline (invocation), ==, 0);
  g_ptr_array_add (self->kept, ferry_invocation_ref (invocation));
  g_ptr_array_add (self->cancelled, g_object_ref (ferry_invocation_get_cancellable (invocation)));
  ferry_invocation_return_object (invocation, object);
}

static void
refuse (gpointer object, FerryInvocation *invocation, gpointer data)
{
  ferry_invocation_refuse (invocation, "Not today");
}

static void
drop (gpointer object, FerryInvocation *invocation, gpointer data)
{
}

static void
fail (GObject *object, FerryInvocation *invocation, gpointer data, GError **error)
{
  g_set_error (error, FERRY_ERROR, FERRY_ERROR_REFUSED, "Never");
}

static void
hold (gpointer object, FerryInvocation *invocation, gpointer data)
{
  g_ptr_array_add (((Scene *) data)->kept, ferry_invocation_ref (invocation));
}

/* A method's arguments are a tuple, which is no array of bytes even where its element is one. */
static void
reverse (gpointer object, FerryInvocation *invocation, gpointer data)
{
  g_autoptr (GVariant) text = g_variant_get_child_value (ferry_invocation_get_arguments (invocation), 0);
  g_autofree char *reversed = g_strreverse (g_strndup (g_variant_get_data (text), g_variant_get_size (text)));
  gsize size = 7;

  g_assert_null (ferry_invocation_get_bytes (invocation, &size));
  g_assert_cmpuint (size, ==, 0);
  ferry_invocation_return_bytes (invocation, reversed, g_variant_get_size (text));
}

/* Returns a descriptor: with one here, the number itself says which. */
static void
give (gpointer object, FerryInvocation *invocation, gpointer data)
{
  FerryTransport *transport = ferry_invocation_get_transport (invocation);
  g_autoptr (GError) error = NULL;
  gint handle = transport != NULL ? ferry_transport_send_descriptor (transport, STDIN_FILENO, &error) : STDIN_FILENO;

  g_assert_no_error (error);
  ferry_invocation_return_value (invocation, g_variant_new_handle (handle));
}

static void
set_up (Scene *self, gconstpointer local)
{
  FerryInterface *interface = ferry_interface_new ("org.example.Object", G_TYPE_OBJECT);

  self->pair.local = local == LOCAL;
  self->kept = g_ptr_array_new_with_free_func ((GDestroyNotify) ferry_invocation_unref);
  self->cancelled = g_ptr_array_new_with_free_func (g_object_unref);
  ferry_interface_add_method (interface, "look", "i", "o", look, self, NULL);
  ferry_interface_add_method (interface, "refuse", "", "", refuse, self, NULL);
  ferry_interface_add_method (interface, "drop", "", "", drop, self, NULL);
  ferry_interface_add_method_full (interface, "fail", "", "", fail, self, NULL);
  ferry_interface_add_method (interface, "hold", "", "", hold, self, NULL);
  ferry_interface_add_method (interface, "give", "", "h", give, self, NULL);
  ferry_interface_add_method (interface, "reverse", "ay", "ay", reverse, self, NULL);
  ferry_interface_add_method (interface, "reverse_as_text", "ay", "s", reverse, self, NULL);
  pair_scene_open (&self->pair, PAIR_SCENE_CONTEXT, "object", interface, g_object_new (G_TYPE_OBJECT, NULL));
  if (!self->pair.local)
    pair_scene_wait_listening (&self->pair);
}

static void
tear_down (Scene *self, gconstpointer local)
{
  g_ptr_array_unref (self->kept);
  g_ptr_array_unref (self->cancelled);
  pair_scene_close (&self->pair);
}

static void
resolved_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  Outcome *self = data;

  ferry_resolve_finish (result, NULL, NULL, &self->error);
  self->over = TRUE;
}

static void
assert_fails (Scene *self, const char *method, const char *message)
{
  Outcome outcome = {0};

  ferry_proxy_resolve_async (self->pair.proxy, g_variant_new ("((ss(i))(ss))", "call", "look", 0, "call", method), NULL,
                             -1, NULL, resolved_cb, &outcome);
  ferry_test_wait_flag (&outcome.over);
  g_assert_error (outcome.error, FERRY_ERROR, FERRY_ERROR_REFUSED);
  g_assert_cmpstr (outcome.error->message, ==, message);
  g_error_free (outcome.error);
}

static void
test_refusals (Scene *self, gconstpointer local)
{
  assert_fails (self, "refuse", "Not today");
  assert_fails (self, "fail", "Never");
  assert_fails (self, "drop", "The method 'drop' dropped its call without an answer; have it answer each call");
}

/* Each step has one of its own, and an answered one stays what it is. */
static void
test_steps (Scene *self, gconstpointer local)
{
  Outcome outcome = {0};

  ferry_proxy_resolve_async (
    self->pair.proxy, g_variant_new_parsed ("[('call', 'look', (0,)), ('call', 'look', (1,)), ('call', 'look', (2,))]"),
    NULL, -1, NULL, resolved_cb, &outcome);
  ferry_test_wait_flag (&outcome.over);
  g_assert_no_error (outcome.error);
  g_assert_cmpuint (self->kept->len, ==, 3);
  for (int i = 0; i < 3; i++)
    {
      FerryInvocation *invocation = self->kept->pdata[i];
      int n;

      g_assert_cmpstr (ferry_invocation_get_method (invocation), ==, "look");
      g_variant_get (ferry_invocation_get_arguments (invocation), "(i)", &n);
      g_assert_cmpint (n, ==, i);
      g_assert_true (ferry_invocation_get_object (invocation) == self->pair.object);
      /* The chain's. */
      g_assert_true (self->cancelled->pdata[i] == self->cancelled->pdata[0]);
    }
  /* The first one goes before the others. */
  g_ptr_array_remove_index (self->kept, 0);
  g_assert_cmpstr (ferry_invocation_get_method (self->kept->pdata[1]), ==, "look");
}

static gboolean
is_held (gpointer data)
{
  return ((Scene *) data)->kept->len > 0;
}

static gboolean
is_cancelled (gpointer data)
{
  return ferry_invocation_is_cancelled (((Scene *) data)->kept->pdata[0]);
}

static void
test_cancel (Scene *self, gconstpointer local)
{
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  Outcome outcome = {0};

  ferry_proxy_call_async (self->pair.proxy, "hold", NULL, -1, cancellable, resolved_cb, &outcome);
  ferry_test_run_until (is_held, self);
  g_cancellable_cancel (cancellable);
  ferry_test_look_until (is_cancelled, self);
  g_assert_true (g_cancellable_is_cancelled (ferry_invocation_get_cancellable (self->kept->pdata[0])));
  ferry_invocation_return_value (self->kept->pdata[0], NULL);
  ferry_test_wait_flag (&outcome.over);
  g_assert_error (outcome.error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_error_free (outcome.error);
}

static void
keep_result_cb (GObject *source, GAsyncResult *result, gpointer kept)
{
  g_set_object ((GAsyncResult **) kept, result);
}

static GVariant *
resolve_call (Scene *self, const char *method, GVariant *arguments, GError **error)
{
  g_autoptr (GAsyncResult) result = NULL;
  GVariant *value = NULL;

  ferry_proxy_call_async (self->pair.proxy, method, arguments, -1, NULL, keep_result_cb, &result);
  while (result == NULL)
    g_main_context_iteration (NULL, TRUE);
  ferry_proxy_call_finish (self->pair.proxy, result, &value, NULL, error);
  return value;
}

static GVariant *
resolve_reverse (Scene *self, const char *method, GError **error)
{
  return resolve_call (self, method,
                       g_variant_new ("(@ay)", g_variant_new_fixed_array (G_VARIANT_TYPE_BYTE, "stern", 5, 1)), error);
}

static void
test_descriptor (Scene *self, gconstpointer local)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) handle = NULL;
  struct stat given;
  struct stat come;
  int fd;

  g_object_set (self->pair.here, "max-descriptors", 1, NULL);
  handle = resolve_call (self, "give", NULL, &error);
  g_assert_no_error (error);
  if (self->pair.local)
    {
      g_assert_cmpint (g_variant_get_handle (handle), ==, STDIN_FILENO);
      return;
    }
  fd = ferry_transport_take_descriptor (self->pair.here, g_variant_get_handle (handle), &error);
  g_assert_no_error (error);
  g_assert_true (fstat (fd, &come) == 0 && fstat (STDIN_FILENO, &given) == 0 && come.st_ino == given.st_ino);
  close (fd);
}

static void
test_bytes (Scene *self, gconstpointer local)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) value = resolve_reverse (self, "reverse", &error);

  g_assert_no_error (error);
  g_assert_cmpstr (g_variant_get_type_string (value), ==, "ay");
  g_assert_cmpmem (g_variant_get_data (value), g_variant_get_size (value), "nrets", 5);
  g_assert_null (resolve_reverse (self, "reverse_as_text", &error));
  g_assert_error (error, FERRY_ERROR, FERRY_ERROR_BAD_RESULT);
}

static void
add (const char *name, void (*test) (Scene *, gconstpointer))
{
  g_autofree char *here = g_strdup_printf ("/method-invocation/%s-here", name);
  g_autofree char *there = g_strdup_printf ("/method-invocation/%s-from-another-process", name);

  g_test_add (here, Scene, LOCAL, set_up, test, tear_down);
  g_test_add (there, Scene, REMOTE, set_up, test, tear_down);
}

int
main (int argc, char **argv)
{
  setlocale (LC_ALL, "");
  g_test_init (&argc, &argv, NULL);

  add ("a-refusal-and-a-drop-reach-the-caller", test_refusals);
  add ("each-step-has-its-own", test_steps);
  add ("a-cancel-is-heard", test_cancel);
  add ("bytes-answer-a-method-that-returns-them", test_bytes);
  add ("a-descriptor-goes-with-the-answer", test_descriptor);
  return g_test_run ();
}
