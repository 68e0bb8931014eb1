/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: conversation/ferry-stream-transport.c, wire/ferry-frame-decoder.c
 *
 * A stream's transport and what comes from a peer that does not keep the rules: here the test itself, at the other end
 * of a socket, with docs/protocol.md in its hand. */

#include "config.h"

#include "call/transport-test.h"

#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/ferry-base-private.h"
#include "call/call-test.h"
#include "call/ferry-transport-private.h"
#include "wire/ferry-frame-decoder-private.h"

typedef struct
{
  FerryTransport *end; /* (owned) (nullable) */
  GObject *owner;      /* (owned) */
  int peer;            /* the other end of its socket, or -1 */
  guint n_fds;
  guint n_threads;
} Scene;

static void
count_cb (FerryTransport *self, FerryCall *call, GObject *owner)
{
  g_object_set_data (owner, "told", GUINT_TO_POINTER (1 + GPOINTER_TO_UINT (g_object_get_data (owner, "told"))));
  transport_test_wake ();
}

static gboolean
was_told (gpointer data)
{
  return g_object_get_data (data, "told") != NULL;
}

static void
scene_init (Scene *self)
{
  g_autoptr (GError) error = NULL;
  int fds[2];

  g_main_context_iteration (NULL, FALSE);
  self->n_fds = ferry_test_count_fds ();
  self->n_threads = transport_test_count_threads ();
  self->owner = g_object_new (G_TYPE_OBJECT, NULL);
  g_assert_cmpint (socketpair (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), ==, 0);
  self->peer = fds[1];
  self->end = ferry_transport_new_for_descriptors (fds[0], fds[0], &error);
  g_assert_no_error (error);
  ferry_transport_take_calls (self->end, count_cb, self->owner, &error);
  g_assert_no_error (error);
}

static void
scene_close_peer (Scene *self)
{
  g_assert_cmpint (close (self->peer), ==, 0);
  self->peer = -1;
}

static void
scene_clear (Scene *self)
{
  if (self->peer >= 0)
    scene_close_peer (self);
  g_clear_object (&self->end);
  g_object_unref (self->owner);
  transport_test_wait_left (self->n_threads, self->n_fds);
}

static void
put (Scene *self, gconstpointer data, gsize size)
{
  for (gsize at = 0; at < size;)
    {
      gssize n = write (self->peer, (const guint8 *) data + at, size - at);

      g_assert_cmpint (n, >, 0);
      at += (gsize) n;
    }
}

static void
put_number (Scene *self, guint32 number)
{
  number = GUINT32_TO_LE (number);
  put (self, &number, sizeof number);
}

static void
put_greeting (Scene *self, guint32 version)
{
  const guint32 mark = 0x01020304;

  put (self, "FERRYSTM", 8);
  put_number (self, version);
  put (self, &mark, sizeof mark);
}

static GBytes *
new_message (guint64 xid)
{
  g_autoptr (GVariant) value = g_variant_ref_sink (g_variant_new_uint32 (5));
  FerryCallMessage message;

  ferry_call_message_init (&message, FERRY_CALL_REQUEST, xid, "tell", value);
  message.header.flags = FERRY_CALL_ONE_WAY;
  return call_test_join (&message);
}

static void
put_message (Scene *self, guint64 xid, gsize without)
{
  g_autoptr (GBytes) message = new_message (xid);

  put_number (self, (guint32) g_bytes_get_size (message));
  put (self, g_bytes_get_data (message, NULL), g_bytes_get_size (message) - without);
}

static void
assert_ended (Scene *self, int code, const char *text)
{
  g_autoptr (GError) reason = NULL;

  transport_test_wait_closed (self->end, code);
  g_object_get (self->end, "reason", &reason, NULL);
  if (strstr (reason->message, text) == NULL)
    g_error ("Not '%s', but: %s", text, reason->message);
}

/* ---- the greeting ---- */

static void
test_greets_with_magic_version_and_byte_order (void)
{
  const guint8 expected[12] = "FERRYSTM\2\0\0";
  const guint32 mark = 0x01020304;
  guint8 greeting[FERRY_GREETING_SIZE];
  Scene scene;

  scene_init (&scene);
  g_assert_cmpint (recv (scene.peer, greeting, sizeof greeting, MSG_WAITALL), ==, sizeof greeting);
  g_assert_cmpmem (greeting, 12, expected, 12);
  g_assert_cmpmem (greeting + 12, 4, &mark, sizeof mark);
  scene_clear (&scene);
}

/* It ends with the first wrong byte: the peer may never send as many as a greeting has. */
static void
test_garbage_ends_with_its_first_byte (void)
{
  Scene scene;

  scene_init (&scene);
  put (&scene, "H", 1);
  assert_ended (&scene, FERRY_ERROR_PROTOCOL, "does not speak Ferry's protocol");
  scene_clear (&scene);
}

static void
test_another_version_is_named (void)
{
  Scene scene;

  scene_init (&scene);
  put_greeting (&scene, 77);
  assert_ended (&scene, FERRY_ERROR_VERSION, "version 77 of the protocol, and this end version 2");
  scene_clear (&scene);
}

static void
test_another_byte_order_is_refused (void)
{
  const guint32 mark = 0x04030201;
  Scene scene;

  scene_init (&scene);
  put (&scene, "FERRYSTM", 8);
  put_number (&scene, FERRY_STREAM_VERSION);
  put (&scene, &mark, sizeof mark);
  assert_ended (&scene, FERRY_ERROR_VERSION, "byte order");
  scene_clear (&scene);
}

static void
test_the_end_without_a_greeting (void)
{
  Scene scene;

  scene_init (&scene);
  scene_close_peer (&scene);
  assert_ended (&scene, FERRY_ERROR_CLOSED, "without a greeting");
  scene_clear (&scene);
}

static void
test_the_end_inside_the_greeting (void)
{
  Scene scene;

  scene_init (&scene);
  put (&scene, "FERRY", 5);
  scene_close_peer (&scene);
  assert_ended (&scene, FERRY_ERROR_PROTOCOL, "inside the greeting: 5 of 16");
  scene_clear (&scene);
}

/* ---- frames ---- */

static void
test_a_length_of_0 (void)
{
  Scene scene;

  scene_init (&scene);
  put_greeting (&scene, FERRY_STREAM_VERSION);
  put_number (&scene, 0);
  assert_ended (&scene, FERRY_ERROR_PROTOCOL, "a message of 0 bytes");
  scene_clear (&scene);
}

static void
test_a_length_beyond_the_limit (void)
{
  Scene scene;

  scene_init (&scene);
  put_greeting (&scene, FERRY_STREAM_VERSION);
  put_number (&scene, 0xffffffff);
  assert_ended (&scene, FERRY_ERROR_PROTOCOL, "a message of 4294967295 bytes");
  scene_clear (&scene);
}

static void
test_the_end_inside_a_message (void)
{
  Scene scene;

  scene_init (&scene);
  put_greeting (&scene, FERRY_STREAM_VERSION);
  put_message (&scene, 1, 0);
  put_message (&scene, 2, 3);
  scene_close_peer (&scene);
  assert_ended (&scene, FERRY_ERROR_PROTOCOL, "inside a frame");
  g_assert_cmpuint (GPOINTER_TO_UINT (g_object_get_data (scene.owner, "told")), ==, 1);
  scene_clear (&scene);
}

static void
test_the_end_inside_a_length (void)
{
  Scene scene;

  scene_init (&scene);
  put_greeting (&scene, FERRY_STREAM_VERSION);
  put (&scene, "\1\0", 2);
  scene_close_peer (&scene);
  assert_ended (&scene, FERRY_ERROR_PROTOCOL, "inside a frame: 2 of 4");
  scene_clear (&scene);
}

static GBytes *
new_stream_of (GBytes *message)
{
  GByteArray *all = g_byte_array_new ();
  guint8 greeting[FERRY_GREETING_SIZE];
  guint8 header[FERRY_FRAME_HEADER_SIZE];

  ferry_greeting_write (greeting);
  ferry_write_u32 (header, (guint32) g_bytes_get_size (message));
  g_byte_array_append (all, greeting, sizeof greeting);
  g_byte_array_append (all, header, sizeof header);
  g_byte_array_append (all, g_bytes_get_data (message, NULL), (guint) g_bytes_get_size (message));
  return g_byte_array_free_to_bytes (all);
}

static void
test_bytes_are_decoded_one_by_one (void)
{
  g_autoptr (GBytes) message = new_message (1);
  g_autoptr (GBytes) all = new_stream_of (message);
  gsize n_all;
  const guint8 *bytes = g_bytes_get_data (all, &n_all);
  FerryFrameDecoder decoder;
  gconstpointer data = NULL;
  gsize size = 0;

  ferry_frame_decoder_init (&decoder, FERRY_FRAME_MAX_MESSAGE);
  for (gsize i = 0; i < n_all; i++)
    {
      g_autoptr (GError) error = NULL;
      FerryFrameStatus status;

      *ferry_frame_decoder_get_room (&decoder, &size) = bytes[i];
      ferry_frame_decoder_add (&decoder, 1);
      status = ferry_frame_decoder_next (&decoder, &data, &size, &error);
      g_assert_no_error (error);
      g_assert_cmpint (status, ==, i + 1 < n_all ? FERRY_FRAME_NONE : FERRY_FRAME_MESSAGE);
    }
  g_assert_cmpmem (data, size, g_bytes_get_data (message, NULL), g_bytes_get_size (message));
  g_assert_cmpuint ((gsize) data % 8, ==, 0);
  ferry_frame_decoder_clear (&decoder);
}

static void
test_bytes_arrive_one_by_one (void)
{
  g_autoptr (GBytes) message = new_message (1);
  g_autoptr (GBytes) all = new_stream_of (message);
  const guint8 *bytes = g_bytes_get_data (all, NULL);
  Scene scene;

  scene_init (&scene);
  for (gsize i = 0; i < g_bytes_get_size (all); i++)
    put (&scene, bytes + i, 1);
  transport_test_wait (was_told, scene.owner);
  g_assert_false (ferry_test_get_number (scene.end, "closed"));
  scene_clear (&scene);
}

/* Bytes come with the hang-up, in one event: none is lost. */
static void
test_what_came_with_the_hang_up_is_heard (void)
{
  Scene scene;

  scene_init (&scene);
  put_greeting (&scene, FERRY_STREAM_VERSION);
  for (guint i = 1; i <= 300; i++)
    put_message (&scene, i, 0);
  scene_close_peer (&scene);
  assert_ended (&scene, FERRY_ERROR_CLOSED, "closed the stream, or its process has ended");
  g_assert_cmpuint (GPOINTER_TO_UINT (g_object_get_data (scene.owner, "told")), ==, 300);
  scene_clear (&scene);
}

/* ---- sending ---- */

static void
test_a_message_beyond_the_limit_is_not_sent (void)
{
  g_autoptr (GError) error = NULL;
  g_autofree guint8 *bytes = g_malloc0 (2000);
  FerryRequest request = {.method = "tell", .flags = FERRY_CALL_ONE_WAY};
  guint limit;
  Scene scene;

  scene_init (&scene);
  g_object_get (scene.end, "max-message-size", &limit, NULL);
  g_assert_cmpuint (limit, ==, 64 * 1024 * 1024);
  g_object_set (scene.end, "max-message-size", 1000, NULL);
  request.arguments = g_variant_new_fixed_array (G_VARIANT_TYPE_BYTE, bytes, 2000, 1);
  g_assert_cmpuint (ferry_transport_ask (scene.end, &request, NULL, NULL, &error), ==, 0);
  g_assert_error (error, FERRY_ERROR, FERRY_ERROR_TOO_LARGE);
  g_assert_false (ferry_test_get_number (scene.end, "closed"));
  request.arguments = NULL;
  g_assert_cmpuint (ferry_transport_ask (scene.end, &request, NULL, NULL, NULL), ==, 1);
  put_greeting (&scene, FERRY_STREAM_VERSION);
  put_number (&scene, 1001);
  assert_ended (&scene, FERRY_ERROR_PROTOCOL, "accepts 1 to 1000");
  scene_clear (&scene);
}

/* A peer that never reads cannot keep the sender: neither by blocking it, nor its memory. */
static void
test_a_peer_that_does_not_read_keeps_nobody (void)
{
  static const guint8 bytes[100000] = {0};
  guint n = 0;
  Scene scene;

  scene_init (&scene);
  while (transport_test_try_tell (scene.end, "tell",
                                  g_variant_new_fixed_array (G_VARIANT_TYPE_BYTE, bytes, sizeof bytes, 1)))
    n++;
  g_assert_cmpuint (n, >=, 10);
  g_assert_cmpuint (n, <, 100);
  put_greeting (&scene, FERRY_STREAM_VERSION);
  put_message (&scene, 1, 0);
  transport_test_wait (was_told, scene.owner);
  ferry_transport_close (scene.end);
  scene_clear (&scene);
}

/* It does not even close: then what was sent is given up, after a while. */
static void
test_a_peer_that_never_reads_is_given_up (void)
{
  static const guint8 bytes[1000000] = {0};
  Scene scene;

  scene_init (&scene);
  g_assert_true (transport_test_try_tell (scene.end, "tell",
                                          g_variant_new_fixed_array (G_VARIANT_TYPE_BYTE, bytes, sizeof bytes, 1)));
  g_clear_object (&scene.end);
  /* The peer's descriptor is still open. */
  transport_test_wait_left (scene.n_threads, scene.n_fds + 1);
  scene_clear (&scene);
}

/* The reader of what goes out is gone, and the writer of what comes in is not: only the writer can tell. */
static void
test_an_end_that_nobody_reads_closes (void)
{
  g_autoptr (FerryTransport) end = NULL;
  g_autoptr (GError) error = NULL;
  guint n_fds;
  int in[2];
  int out[2];

  g_main_context_iteration (NULL, FALSE);
  n_fds = ferry_test_count_fds ();
  g_assert_cmpint (pipe2 (in, O_CLOEXEC), ==, 0);
  g_assert_cmpint (pipe2 (out, O_CLOEXEC), ==, 0);
  end = ferry_transport_new_for_descriptors (in[0], out[1], &error);
  g_assert_no_error (error);
  close (out[0]);
  ferry_transport_ask (end, &(FerryRequest){.method = "tell", .flags = FERRY_CALL_ONE_WAY}, NULL, NULL, &error);
  g_assert_error (error, FERRY_ERROR, FERRY_ERROR_CLOSED);
  transport_test_wait_closed (end, FERRY_ERROR_CLOSED);
  close (in[1]);
  g_clear_object (&end);
  transport_test_wait_left (0, n_fds);
}

/* ---- what it is made of ---- */

static void
test_takes_descriptors_over_when_it_fails (void)
{
  g_autoptr (GError) error = NULL;
  guint n_fds = ferry_test_count_fds ();
  int fds[2];

  /* A descriptor that only names a file cannot be made non-blocking. */
  g_assert_cmpint (pipe2 (fds, O_CLOEXEC), ==, 0);
  close (fds[1]);
  fds[1] = open ("/", O_PATH | O_CLOEXEC);
  g_assert_null (ferry_transport_new_for_descriptors (fds[0], fds[1], &error));
  g_assert_error (error, FERRY_ERROR, FERRY_ERROR_SYSTEM);
  g_assert_cmpuint (ferry_test_count_fds (), ==, n_fds);
}

static void
test_takes_descriptors_over_when_no_other_is_free (void)
{
  g_autoptr (GError) error = NULL;
  guint n_fds = ferry_test_count_fds ();
  guint64 before;
  int fds[2];

  g_assert_cmpint (pipe2 (fds, O_CLOEXEC), ==, 0);
  before = ferry_test_limit_fds (3);
  g_assert_null (ferry_transport_new_for_descriptors (fds[0], fds[1], &error));
  ferry_test_limit_fds (before);
  g_assert_error (error, FERRY_ERROR, FERRY_ERROR_SYSTEM);
  g_assert_cmpuint (ferry_test_count_fds (), ==, n_fds);
}

/* As a program may keep one, and look at its reason. */
static void
test_a_closed_transport_that_is_kept_keeps_nothing_open (void)
{
  g_autoptr (GError) error = NULL;
  Scene scene;

  scene_init (&scene);
  scene_close_peer (&scene);
  transport_test_wait_closed (scene.end, FERRY_ERROR_CLOSED);
  transport_test_wait_left (scene.n_threads, scene.n_fds);
  ferry_transport_ask (scene.end, &(FerryRequest){.method = "tell", .flags = FERRY_CALL_ONE_WAY}, NULL, NULL, &error);
  g_assert_error (error, FERRY_ERROR, FERRY_ERROR_CLOSED);
  ferry_transport_close (scene.end);
  scene_clear (&scene);
}

/* Pipes that block: the sender does not, and nor does the end. */
static void
test_a_pipe_that_blocks_blocks_nobody (void)
{
  static const guint8 bytes[1000000] = {0};
  g_autoptr (FerryTransport) end = NULL;
  g_autoptr (GError) error = NULL;
  guint n_fds;
  int in[2];
  int out[2];

  g_main_context_iteration (NULL, FALSE);
  n_fds = ferry_test_count_fds ();
  g_assert_cmpint (pipe2 (in, O_CLOEXEC), ==, 0);
  g_assert_cmpint (pipe2 (out, O_CLOEXEC), ==, 0);
  end = ferry_transport_new_for_descriptors (in[0], out[1], &error);
  g_assert_no_error (error);
  g_assert_true (
    transport_test_try_tell (end, "tell", g_variant_new_fixed_array (G_VARIANT_TYPE_BYTE, bytes, sizeof bytes, 1)));
  g_clear_object (&end);
  /* Nothing is read, and nothing closed: the peer's two descriptors are still open. */
  transport_test_wait_left (0, n_fds + 2);
  close (in[1]);
  close (out[0]);
}

/* ---- what JavaScript hears ---- */

static void
count_toggle (gpointer n_toggles, GObject *transport, gboolean is_last)
{
  atomic_fetch_add ((_Atomic guint *) n_toggles, 1);
}

/* GJS hears of each change between one reference and two, and has a lock for it. */
static void
test_its_threads_change_no_reference_count (void)
{
  _Atomic guint n_toggles = 0;
  FerryTransport *one;
  FerryTransport *other;

  ferry_transport_new_pair (&one, &other);
  g_object_add_toggle_ref (G_OBJECT (one), count_toggle, &n_toggles);
  g_object_unref (one);
  atomic_store (&n_toggles, 0);
  g_object_unref (other);
  ferry_transport_wait_ended (one);
  g_assert_cmpuint (atomic_load (&n_toggles), ==, 0);
  g_object_remove_toggle_ref (G_OBJECT (one), count_toggle, &n_toggles);
}

static const struct
{
  const char *name;
  GTestFunc func;
} facts[] = {
  {"greets-with-magic-version-and-byte-order", test_greets_with_magic_version_and_byte_order},
  {"garbage-ends-with-its-first-byte", test_garbage_ends_with_its_first_byte},
  {"another-version-is-named", test_another_version_is_named},
  {"another-byte-order-is-refused", test_another_byte_order_is_refused},
  {"the-end-without-a-greeting", test_the_end_without_a_greeting},
  {"the-end-inside-the-greeting", test_the_end_inside_the_greeting},
  {"a-length-of-0", test_a_length_of_0},
  {"a-length-beyond-the-limit", test_a_length_beyond_the_limit},
  {"the-end-inside-a-message", test_the_end_inside_a_message},
  {"the-end-inside-a-length", test_the_end_inside_a_length},
  {"bytes-are-decoded-one-by-one", test_bytes_are_decoded_one_by_one},
  {"bytes-arrive-one-by-one", test_bytes_arrive_one_by_one},
  {"what-came-with-the-hang-up-is-heard", test_what_came_with_the_hang_up_is_heard},
  {"a-message-beyond-the-limit-is-not-sent", test_a_message_beyond_the_limit_is_not_sent},
  {"a-peer-that-does-not-read-keeps-nobody", test_a_peer_that_does_not_read_keeps_nobody},
  {"a-peer-that-never-reads-is-given-up", test_a_peer_that_never_reads_is_given_up},
  {"an-end-that-nobody-reads-closes", test_an_end_that_nobody_reads_closes},
  {"a-pipe-that-blocks-blocks-nobody", test_a_pipe_that_blocks_blocks_nobody},
  {"a-closed-transport-that-is-kept-keeps-nothing-open", test_a_closed_transport_that_is_kept_keeps_nothing_open},
  {"takes-descriptors-over-when-it-fails", test_takes_descriptors_over_when_it_fails},
  {"takes-descriptors-over-when-no-other-is-free", test_takes_descriptors_over_when_no_other_is_free},
  {"its-threads-change-no-reference-count", test_its_threads_change_no_reference_count},
};

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, G_TEST_OPTION_ISOLATE_DIRS, NULL);
  /* Its first use, which GLib leaves to chance, looks like a race to ThreadSanitizer. */
  g_io_error_quark ();
  for (guint i = 0; i < G_N_ELEMENTS (facts); i++)
    {
      g_autofree char *path = g_strdup_printf ("/stream-transport/%s", facts[i].name);

      g_test_add_func (path, facts[i].func);
    }
  return g_test_run ();
}
