/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: wire/ferry-fork-server-packet.c
 *
 * The packets between an application and its fork server, at the bounds of each field. One thread plays both sides. */

#include "config.h"

#include "ferry-test.h"
#include "link/control-sockets.h"

#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "base/ferry-base-private.h"
#include "wire/ferry-fork-server-packet-private.h"

#define ID 4711

static FerryControlEvent
receive_answer (FerryForkServerAnswer *answer, int application)
{
  g_autoptr (GError) error = NULL;
  FerryControlEvent event = ferry_fork_server_answer_receive (answer, application, &error);

  if (event == FERRY_CONTROL_INVALID)
    g_assert_error (error, FERRY_ERROR, FERRY_ERROR_PROTOCOL);
  else
    g_assert_no_error (error);
  return event;
}

/* (transfer full): a packet with this value. */
static GByteArray *
make_packet (GVariant *value)
{
  g_autoptr (GVariant) sunk = g_variant_ref_sink (value);
  FerryForkServerPacket fixed = {.id = ID};
  GByteArray *packet = g_byte_array_append (g_byte_array_new (), (const guint8 *) &fixed, sizeof fixed);

  return g_byte_array_append (packet, g_variant_get_data (sunk), (guint) g_variant_get_size (sunk));
}

/* Sends a packet, with n_fds copies of the sending socket's own descriptor, and takes it as an answer. */
static FerryControlEvent
exchange_packet (FerryControlKind kind, GByteArray *packet, guint n_fds, FerryForkServerAnswer *answer)
{
  g_auto (Sockets) sockets = {0};
  FerryControlEvent event;
  int fds[2];

  sockets_init (&sockets);
  fds[0] = fds[1] = sockets.peer;
  g_assert_cmpint (ferry_control_send (sockets.peer, kind, packet->data, packet->len, fds, n_fds, 0), ==, 0);
  event = receive_answer (answer, sockets.application);
  g_assert_true ((answer->pidfd >= 0) == (event == FERRY_CONTROL_TAKEN && n_fds == 1));
  ferry_clear_fd (&answer->pidfd);
  return event;
}

static FerryControlEvent
exchange (FerryControlKind kind, guint32 pid, guint32 number, guint32 status, const char *text, guint n_fds,
          FerryForkServerAnswer *answer)
{
  g_autoptr (GByteArray) packet = make_packet (g_variant_new ("(uuu^ay)", pid, number, status, text));

  return exchange_packet (kind, packet, n_fds, answer);
}

static void
test_silence_is_no_answer (void)
{
  g_auto (Sockets) sockets = {0};
  FerryForkServerAnswer answer;

  sockets_init (&sockets);
  g_assert_cmpint (receive_answer (&answer, sockets.application), ==, FERRY_CONTROL_NOTHING);
  ferry_clear_fd (&sockets.peer);
  g_assert_cmpint (receive_answer (&answer, sockets.application), ==, FERRY_CONTROL_CLOSED);
}

static void
test_process_number_is_bounded (void)
{
  static const struct
  {
    guint32 pid;
    gboolean may_start;
    gboolean may_fail;
  } cases[] = {
    {0, FALSE, TRUE},         {1, FALSE, TRUE},         {2, TRUE, TRUE},
    {G_MAXINT32, TRUE, TRUE}, {1u << 31, FALSE, FALSE}, {G_MAXUINT32, FALSE, FALSE},
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      FerryForkServerAnswer answer;
      FerryControlEvent event = exchange (FERRY_CONTROL_STARTED, cases[i].pid, 0, 0, "", 1, &answer);

      g_assert_cmpint (event, ==, cases[i].may_start ? FERRY_CONTROL_TAKEN : FERRY_CONTROL_INVALID);
      if (cases[i].may_start)
        g_assert_cmpuint (answer.pid, ==, cases[i].pid);
      event = exchange (FERRY_CONTROL_FAILED, cases[i].pid, ENOENT, 0, "", 0, &answer);
      g_assert_cmpint (event, ==, cases[i].may_fail ? FERRY_CONTROL_TAKEN : FERRY_CONTROL_INVALID);
      if (!cases[i].may_fail)
        continue;
      g_assert_cmpuint (answer.pid, ==, cases[i].pid);
      g_assert_cmpuint (answer.id, ==, ID);
      g_assert_cmpint (answer.error_number, ==, ENOENT);
      g_assert_cmpstr (answer.text, ==, "");
    }
}

static void
test_only_a_start_has_a_descriptor (void)
{
  static const FerryControlKind kinds[] = {FERRY_CONTROL_STARTED, FERRY_CONTROL_FAILED, FERRY_CONTROL_ENDED};
  FerryForkServerAnswer answer;

  for (guint i = 0; i < G_N_ELEMENTS (kinds); i++)
    for (guint n_fds = 0; n_fds <= 2; n_fds++)
      {
        gboolean is_right = n_fds == (kinds[i] == FERRY_CONTROL_STARTED);
        FerryControlEvent event = exchange (kinds[i], 2, CLD_EXITED, 0, "", n_fds, &answer);

        g_assert_cmpint (event, ==, is_right ? FERRY_CONTROL_TAKEN : FERRY_CONTROL_INVALID);
      }
}

/* The kernel drops what the process has no room for. */
static void
test_start_whose_descriptor_found_no_room_is_a_start (void)
{
  g_auto (Sockets) sockets = {0};
  struct rlimit limit, low;
  FerryForkServerAnswer answer;
  int next;

  sockets_init (&sockets);
  g_assert_true (ferry_fork_server_send_started (sockets.peer, ID, 77, sockets.peer, NULL));
  g_assert_true (ferry_fork_server_send_ended (sockets.peer, ID, CLD_EXITED, 0));
  next = dup (sockets.peer);
  close (next);
  g_assert_cmpint (getrlimit (RLIMIT_NOFILE, &limit), ==, 0);
  low = (struct rlimit){(rlim_t) next, limit.rlim_max};
  g_assert_cmpint (setrlimit (RLIMIT_NOFILE, &low), ==, 0);
  g_assert_cmpint (receive_answer (&answer, sockets.application), ==, FERRY_CONTROL_TAKEN);
  g_assert_cmpint (setrlimit (RLIMIT_NOFILE, &limit), ==, 0);
  g_assert_cmpint (answer.kind, ==, FERRY_CONTROL_STARTED);
  g_assert_true (answer.lost_pidfd);
  g_assert_cmpint (answer.pidfd, ==, -1);
  g_assert_cmpuint (answer.pid, ==, 77);
  g_assert_cmpint (receive_answer (&answer, sockets.application), ==, FERRY_CONTROL_TAKEN);
  g_assert_cmpint (answer.kind, ==, FERRY_CONTROL_ENDED);
  g_assert_false (answer.lost_pidfd);
}

/* Bytes that are missing or too many make no other value: only one in normal form is taken. */
static void
test_size_is_exact (void)
{
  const gsize exact = sizeof (FerryForkServerPacket) + 3 * sizeof (guint32) + 2;
  FerryForkServerAnswer answer;

  for (gsize size = sizeof (FerryControlHeader); size < exact; size++)
    {
      g_autoptr (GByteArray) packet = make_packet (g_variant_new ("(uuu^ay)", 2, CLD_EXITED, 0, "t"));
      gboolean is_whole = size >= sizeof (FerryForkServerPacket) + 3 * sizeof (guint32);
      FerryControlEvent event;

      g_byte_array_set_size (packet, (guint) size);
      event = exchange_packet (FERRY_CONTROL_ENDED, packet, 0, &answer);
      /* Without the text, or its zero, the text is empty. */
      g_assert_cmpint (event, ==, is_whole ? FERRY_CONTROL_TAKEN : FERRY_CONTROL_INVALID);
      if (is_whole)
        g_assert_cmpstr (answer.text, ==, "");
    }
}

static void
test_text_is_bounded (void)
{
  static const gsize lengths[] = {0, 1, FERRY_MAX_FAILURE_TEXT, FERRY_MAX_FAILURE_TEXT + 1};
  FerryForkServerAnswer answer;

  for (guint i = 0; i < G_N_ELEMENTS (lengths); i++)
    for (FerryControlKind kind = FERRY_CONTROL_STARTED; kind <= FERRY_CONTROL_FAILED; kind++)
      {
        g_autofree char *text = g_strnfill (lengths[i], 't');
        gboolean is_right = lengths[i] <= FERRY_MAX_FAILURE_TEXT;
        FerryControlEvent event = exchange (kind, 2, 0, 0, text, kind == FERRY_CONTROL_STARTED, &answer);

        g_assert_cmpint (event, ==, is_right ? FERRY_CONTROL_TAKEN : FERRY_CONTROL_INVALID);
        if (is_right)
          g_assert_cmpstr (answer.text, ==, text);
      }
}

static void
test_status_is_one_of_the_systems (void)
{
  static const struct
  {
    guint32 code;
    guint32 status;
    FerryControlEvent expected;
  } cases[] = {
    {CLD_EXITED, 0, FERRY_CONTROL_TAKEN},
    {CLD_EXITED, 255, FERRY_CONTROL_TAKEN},
    {CLD_EXITED, 256, FERRY_CONTROL_INVALID},
    {CLD_KILLED, 0, FERRY_CONTROL_INVALID},
    {CLD_KILLED, 1, FERRY_CONTROL_TAKEN},
    {CLD_KILLED, NSIG - 1, FERRY_CONTROL_TAKEN},
    {CLD_KILLED, NSIG, FERRY_CONTROL_INVALID},
    {CLD_DUMPED, SIGSEGV, FERRY_CONTROL_TAKEN},
    {CLD_DUMPED, 0, FERRY_CONTROL_INVALID},
    {CLD_STOPPED, SIGSTOP, FERRY_CONTROL_INVALID},
    {CLD_CONTINUED, 0, FERRY_CONTROL_INVALID},
    {0, 0, FERRY_CONTROL_INVALID},
    {CLD_EXITED | 1u << 31, 0, FERRY_CONTROL_INVALID},
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      FerryForkServerAnswer answer;

      g_assert_cmpint (exchange (FERRY_CONTROL_ENDED, 0, cases[i].code, cases[i].status, "", 0, &answer), ==,
                       cases[i].expected);
      if (cases[i].expected != FERRY_CONTROL_TAKEN)
        continue;
      g_assert_cmpint (answer.code, ==, (int) cases[i].code);
      g_assert_cmpint (answer.status, ==, (int) cases[i].status);
    }
}

static void
test_packet_of_another_kind_answers_nothing (void)
{
  for (FerryControlKind kind = 0; kind < 16; kind++)
    {
      gboolean is_answer = kind == FERRY_CONTROL_FAILED || kind == FERRY_CONTROL_ENDED;
      FerryForkServerAnswer answer;

      g_assert_cmpint (exchange (kind, 2, CLD_EXITED, 0, "", 0, &answer), ==,
                       is_answer ? FERRY_CONTROL_TAKEN : FERRY_CONTROL_INVALID);
    }
}

/* ---- orders ---- */

static void
test_order_arrives_as_it_was_given (void)
{
  g_auto (Sockets) sockets = {0};
  g_autofree guint8 *buffer = g_malloc (FERRY_MAX_PACKET_SIZE);
  const char *environment[] = {"A=1", "B=", NULL};
  g_autoptr (GError) error = NULL;
  g_autoptr (FerryStartRequest) request = NULL;
  FerryStartOrder order;
  int fds[] = {-1, -1, -1, -1};

  sockets_init (&sockets);
  fds[0] = dup (sockets.peer);
  fds[2] = dup (sockets.peer);
  request =
    ferry_start_request_new (FERRY_START_MAY_EXECUTE, g_variant_new_fixed_array (G_VARIANT_TYPE_BYTE, "12345", 5, 1),
                             "name", "/folder", environment, fds, &error);
  g_assert_no_error (error);
  g_assert_cmpint (fds[2], ==, -1);
  g_assert_cmpint (ferry_start_order_receive (&order, sockets.peer, buffer, &error), ==, FERRY_CONTROL_NOTHING);
  g_assert_cmpuint (ferry_start_order_peek (sockets.peer), ==, 0);
  g_assert_cmpint (ferry_start_request_send (request, sockets.application, ID), ==, 0);
  g_assert_cmpuint (ferry_start_order_peek (sockets.peer), ==, ID);
  g_assert_cmpint (ferry_start_order_receive (&order, sockets.peer, buffer, &error), ==, FERRY_CONTROL_TAKEN);
  g_assert_no_error (error);
  g_assert_cmpuint (order.id, ==, ID);
  g_assert_cmpuint (order.flags, ==, FERRY_START_STDOUT | FERRY_START_MAY_EXECUTE);
  g_assert_cmpmem (order.attributes, order.attributes_size, "12345", 5);
  g_assert_cmpstr (order.name, ==, "name");
  g_assert_cmpstr (order.cwd, ==, "/folder");
  g_assert_true (g_strv_equal ((const char *const *) order.environment, environment));
  g_assert_true (order.control >= 0 && order.streams[0] < 0 && order.streams[1] >= 0 && order.streams[2] < 0);
  ferry_start_order_clear (&order);
  g_clear_pointer (&request, ferry_start_request_free);
  ferry_clear_fd (&sockets.application);
  g_assert_cmpint (ferry_start_order_receive (&order, sockets.peer, buffer, &error), ==, FERRY_CONTROL_CLOSED);
  g_assert_no_error (error);
}

/* The descriptors are as many as the flags say, and the value is in normal form. */
static void
test_order_is_checked (void)
{
  static const struct
  {
    guint flags;
    guint n_fds;
    guint n_missing; /* bytes */
    gboolean is_valid;
  } cases[] = {
    {0, 0, 0, FALSE},
    {0, 1, 0, TRUE},
    {0, 2, 0, FALSE},
    {0, 1, 1, FALSE},
    {0, 1, 9, FALSE},
    {FERRY_START_STDIN | FERRY_START_STDERR, 2, 0, FALSE},
    {FERRY_START_STDIN | FERRY_START_STDERR, 3, 0, TRUE},
    {FERRY_START_STDIN | FERRY_START_STDOUT | FERRY_START_STDERR, 4, 0, TRUE},
    {FERRY_START_STDIN | FERRY_START_STDOUT | FERRY_START_STDERR, 3, 0, FALSE},
  };
  g_autofree guint8 *buffer = g_malloc (FERRY_MAX_PACKET_SIZE);

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      GVariant *value = g_variant_new ("(u^ay^ay^aym^aay)", cases[i].flags, "attributes", "name", "", NULL);
      g_autoptr (GByteArray) packet = make_packet (value);
      g_auto (Sockets) sockets = {0};
      g_autoptr (GError) error = NULL;
      FerryStartOrder order;
      FerryControlEvent event;
      int fds[FERRY_START_MAX_DESCRIPTORS];

      sockets_init (&sockets);
      for (guint k = 0; k < G_N_ELEMENTS (fds); k++)
        fds[k] = sockets.application;
      g_assert_cmpint (ferry_control_send (sockets.application, FERRY_CONTROL_START, packet->data,
                                           packet->len - cases[i].n_missing, fds, cases[i].n_fds, 0),
                       ==, 0);
      event = ferry_start_order_receive (&order, sockets.peer, buffer, &error);
      g_assert_cmpint (event, ==, cases[i].is_valid ? FERRY_CONTROL_TAKEN : FERRY_CONTROL_INVALID);
      if (!cases[i].is_valid)
        g_assert_error (error, FERRY_ERROR, FERRY_ERROR_PROTOCOL);
      else
        g_assert_null (order.environment);
      ferry_start_order_clear (&order);
    }
}

static FerryStartRequest *
try_to_request (gsize length, GError **error)
{
  g_autofree char *string = g_strnfill (length, 'e');
  const char *environment[] = {string, NULL};
  int fds[] = {-1, -1, -1, -1};

  return ferry_start_request_new (0, g_variant_new_bytestring (""), "n", NULL, environment, fds, error);
}

static void
test_largest_request_fits (void)
{
  /* Beside the string there are its zero, the other fields, and 4 bytes for where each of four fields and the string
   * ends. */
  const gsize longest = FERRY_MAX_PACKET_SIZE - sizeof (FerryForkServerPacket) - 4 - 1 - 2 - 1 - 1 - 1 - 4 - 3 * 4;
  g_autoptr (GError) error = NULL;
  FerryStartRequest *request = try_to_request (longest, &error);

  g_assert_no_error (error);
  ferry_start_request_free (request);
  g_assert_null (try_to_request (longest + 1, &error));
  g_assert_error (error, FERRY_ERROR, FERRY_ERROR_TOO_LARGE);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, G_TEST_OPTION_ISOLATE_DIRS, NULL);
#define ADD(path, func) g_test_add_func ("/fork-server-packet/" path, func)
  ADD ("silence-is-no-answer", test_silence_is_no_answer);
  ADD ("process-number-is-bounded", test_process_number_is_bounded);
  ADD ("only-a-start-has-a-descriptor", test_only_a_start_has_a_descriptor);
  ADD ("start-whose-descriptor-found-no-room-is-a-start", test_start_whose_descriptor_found_no_room_is_a_start);
  ADD ("size-is-exact", test_size_is_exact);
  ADD ("text-is-bounded", test_text_is_bounded);
  ADD ("status-is-one-of-the-systems", test_status_is_one_of_the_systems);
  ADD ("packet-of-another-kind-answers-nothing", test_packet_of_another_kind_answers_nothing);
  ADD ("order-arrives-as-it-was-given", test_order_arrives_as_it_was_given);
  ADD ("order-is-checked", test_order_is_checked);
  ADD ("largest-request-fits", test_largest_request_fits);
#undef ADD
  return g_test_run ();
}
