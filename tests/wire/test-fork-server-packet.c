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

/* Sends a packet, with n_fds copies of the sending socket's own descriptor, and takes it as an answer. */
static FerryControlEvent
exchange (FerryControlKind kind, gpointer packet, gsize size, guint n_fds, FerryForkServerAnswer *answer)
{
  g_auto (Sockets) sockets = {0};
  FerryControlEvent event;
  int fds[2];

  sockets_init (&sockets);
  fds[0] = fds[1] = sockets.peer;
  g_assert_cmpint (ferry_control_send (sockets.peer, kind, packet, size, fds, n_fds, 0), ==, 0);
  event = receive_answer (answer, sockets.application);
  g_assert_true ((answer->pidfd >= 0) == (event == FERRY_CONTROL_TAKEN && n_fds == 1));
  ferry_clear_fd (&answer->pidfd);
  return event;
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
      FerryStarted started = {.id = ID, .pid = cases[i].pid};
      FerryFailed failed = {.id = ID, .pid = cases[i].pid, .error_number = ENOENT};
      FerryForkServerAnswer answer;
      FerryControlEvent event = exchange (FERRY_CONTROL_STARTED, &started, sizeof started, 1, &answer);

      g_assert_cmpint (event, ==, cases[i].may_start ? FERRY_CONTROL_TAKEN : FERRY_CONTROL_INVALID);
      if (cases[i].may_start)
        g_assert_cmpuint (answer.pid, ==, cases[i].pid);
      event = exchange (FERRY_CONTROL_FAILED, &failed, sizeof failed, 0, &answer);
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
  FerryStarted started = {.id = ID, .pid = 2};
  FerryFailed failed = {.id = ID};
  FerryEnded ended = {.id = ID, .code = CLD_EXITED};
  FerryForkServerAnswer answer;

  g_assert_cmpint (exchange (FERRY_CONTROL_STARTED, &started, sizeof started, 0, &answer), ==, FERRY_CONTROL_INVALID);
  g_assert_cmpint (exchange (FERRY_CONTROL_STARTED, &started, sizeof started, 1, &answer), ==, FERRY_CONTROL_TAKEN);
  g_assert_cmpint (exchange (FERRY_CONTROL_STARTED, &started, sizeof started, 2, &answer), ==, FERRY_CONTROL_INVALID);
  g_assert_cmpint (exchange (FERRY_CONTROL_FAILED, &failed, sizeof failed, 0, &answer), ==, FERRY_CONTROL_TAKEN);
  g_assert_cmpint (exchange (FERRY_CONTROL_FAILED, &failed, sizeof failed, 1, &answer), ==, FERRY_CONTROL_INVALID);
  g_assert_cmpint (exchange (FERRY_CONTROL_ENDED, &ended, sizeof ended, 0, &answer), ==, FERRY_CONTROL_TAKEN);
  g_assert_cmpint (exchange (FERRY_CONTROL_ENDED, &ended, sizeof ended, 1, &answer), ==, FERRY_CONTROL_INVALID);
}

static void
test_size_is_exact (void)
{
  union
  {
    FerryStarted started;
    FerryEnded ended;
    guint8 bytes[64];
  } packet = {0};
  FerryForkServerAnswer answer;

  for (gsize size = sizeof (FerryControlHeader); size <= sizeof packet; size++)
    {
      FerryControlEvent expected = size == sizeof packet.started ? FERRY_CONTROL_TAKEN : FERRY_CONTROL_INVALID;

      packet.started = (FerryStarted){.id = ID, .pid = 2};
      g_assert_cmpint (exchange (FERRY_CONTROL_STARTED, &packet, size, 1, &answer), ==, expected);
      packet.ended = (FerryEnded){.id = ID, .code = CLD_EXITED};
      g_assert_cmpint (exchange (FERRY_CONTROL_ENDED, &packet, size, 0, &answer), ==, expected);
    }
}

static void
test_text_has_the_length_that_is_told (void)
{
  struct
  {
    FerryFailed failed;
    char text[FERRY_MAX_FAILURE_TEXT + 1];
  } packet;
  static const gsize lengths[] = {0, 1, FERRY_MAX_FAILURE_TEXT, FERRY_MAX_FAILURE_TEXT + 1};
  FerryForkServerAnswer answer;

  memset (packet.text, 't', sizeof packet.text);
  for (guint i = 0; i < G_N_ELEMENTS (lengths); i++)
    for (gsize told = lengths[i] - (lengths[i] > 0); told <= lengths[i] + 1; told++)
      {
        gboolean is_right = told == lengths[i] && told <= FERRY_MAX_FAILURE_TEXT;
        FerryControlEvent event;

        packet.failed = (FerryFailed){.id = ID, .text_length = (guint16) told};
        event = exchange (FERRY_CONTROL_FAILED, &packet, sizeof packet.failed + lengths[i], 0, &answer);
        g_assert_cmpint (event, ==, is_right ? FERRY_CONTROL_TAKEN : FERRY_CONTROL_INVALID);
        if (is_right)
          g_assert_cmpuint (strlen (answer.text), ==, told);
      }
}

static void
test_start_may_have_a_text (void)
{
  struct
  {
    FerryStarted started;
    char text[FERRY_MAX_FAILURE_TEXT + 1];
  } packet;
  static const gsize lengths[] = {0, 1, FERRY_MAX_FAILURE_TEXT, FERRY_MAX_FAILURE_TEXT + 1};
  FerryForkServerAnswer answer;

  memset (packet.text, 't', sizeof packet.text);
  for (guint i = 0; i < G_N_ELEMENTS (lengths); i++)
    for (gsize told = lengths[i] - (lengths[i] > 0); told <= lengths[i] + 1; told++)
      {
        gboolean is_right = told == lengths[i] && told <= FERRY_MAX_FAILURE_TEXT;
        FerryControlEvent event;

        packet.started = (FerryStarted){.id = ID, .pid = 2, .text_length = (guint32) told};
        event = exchange (FERRY_CONTROL_STARTED, &packet, sizeof packet.started + lengths[i], 1, &answer);
        g_assert_cmpint (event, ==, is_right ? FERRY_CONTROL_TAKEN : FERRY_CONTROL_INVALID);
        if (is_right)
          g_assert_cmpuint (strlen (answer.text), ==, told);
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
      FerryEnded ended = {.id = ID, .code = cases[i].code, .status = cases[i].status};
      FerryForkServerAnswer answer;

      g_assert_cmpint (exchange (FERRY_CONTROL_ENDED, &ended, sizeof ended, 0, &answer), ==, cases[i].expected);
      if (cases[i].expected != FERRY_CONTROL_TAKEN)
        continue;
      g_assert_cmpint (answer.code, ==, (int) cases[i].code);
      g_assert_cmpint (answer.status, ==, (int) cases[i].status);
    }
}

static void
test_packet_of_another_kind_answers_nothing (void)
{
  for (guint kind = 0; kind < 16; kind++)
    {
      FerryEnded packet = {.id = ID, .code = CLD_EXITED};
      FerryForkServerAnswer answer;
      FerryControlEvent event;

      if (kind == FERRY_CONTROL_ENDED)
        continue;
      event = exchange ((FerryControlKind) kind, &packet, sizeof packet, 0, &answer);
      /* A failure without a text has the same size. */
      if (kind == FERRY_CONTROL_FAILED && event == FERRY_CONTROL_TAKEN)
        g_assert_cmpuint (answer.pid, ==, CLD_EXITED);
      else
        g_assert_cmpint (event, ==, FERRY_CONTROL_INVALID);
    }
}

/* ---- orders ---- */

static void
test_order_arrives_as_it_was_given (void)
{
  g_auto (Sockets) sockets = {0};
  g_autofree guint8 *buffer = g_malloc (FERRY_MAX_PACKET_SIZE);
  const char *environment[] = {"A=1", "B=", NULL};
  FerryStart start = {.attributes_length = 5};
  g_autoptr (GError) error = NULL;
  g_autoptr (FerryStartRequest) request =
    ferry_start_request_new (&start, "12345", "name", "/folder", environment, &error);
  FerryStartOrder order;

  g_assert_no_error (error);
  sockets_init (&sockets);
  ferry_start_request_take_control (request, dup (sockets.peer));
  ferry_start_request_take_stream (request, 1, dup (sockets.peer));
  g_assert_cmpint (ferry_start_order_receive (&order, sockets.peer, buffer, &error), ==, FERRY_CONTROL_NOTHING);
  g_assert_cmpuint (ferry_start_order_peek (sockets.peer), ==, 0);
  g_assert_cmpint (ferry_start_request_send (request, sockets.application, ID), ==, 0);
  g_assert_cmpuint (ferry_start_order_peek (sockets.peer), ==, ID);
  g_assert_cmpint (ferry_start_order_receive (&order, sockets.peer, buffer, &error), ==, FERRY_CONTROL_TAKEN);
  g_assert_no_error (error);
  g_assert_cmpuint (order.start.id, ==, ID);
  g_assert_cmpuint (order.start.flags, ==, FERRY_START_STDOUT | FERRY_START_ENVIRONMENT);
  g_assert_cmpmem (order.attributes, order.start.attributes_length, "12345", 5);
  g_assert_cmpstr (order.name, ==, "name");
  g_assert_cmpstr (order.cwd, ==, "/folder");
  g_assert_cmpmem (order.environment, order.start.environment_length, "A=1\0B=", 7);
  g_assert_true (order.control >= 0 && order.streams[0] < 0 && order.streams[1] >= 0 && order.streams[2] < 0);
  ferry_start_order_clear (&order);
  g_clear_pointer (&request, ferry_start_request_free);
  ferry_clear_fd (&sockets.application);
  g_assert_cmpint (ferry_start_order_receive (&order, sockets.peer, buffer, &error), ==, FERRY_CONTROL_CLOSED);
  g_assert_no_error (error);
}

/* The descriptors are as many as the flags say, and the lengths are those of the packet. */
static void
test_order_is_checked (void)
{
  static const struct
  {
    guint flags;
    guint n_fds;
    guint name_length;
    gboolean is_valid;
  } cases[] = {
    {0, 0, 4, FALSE},
    {0, 1, 4, TRUE},
    {0, 2, 4, FALSE},
    {0, 1, 3, FALSE},
    {0, 1, 5, FALSE},
    {0, 1, G_MAXUINT32, FALSE},
    {FERRY_START_STDIN | FERRY_START_STDERR, 2, 4, FALSE},
    {FERRY_START_STDIN | FERRY_START_STDERR, 3, 4, TRUE},
    {FERRY_START_STDIN | FERRY_START_STDOUT | FERRY_START_STDERR, 4, 4, TRUE},
    {FERRY_START_STDIN | FERRY_START_STDOUT | FERRY_START_STDERR, 3, 4, FALSE},
  };
  g_autofree guint8 *buffer = g_malloc (FERRY_MAX_PACKET_SIZE);

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      struct
      {
        FerryStart start;
        char name[4];
      } packet = {{.id = ID, .flags = cases[i].flags, .name_length = cases[i].name_length}, "name"};
      g_auto (Sockets) sockets = {0};
      g_autoptr (GError) error = NULL;
      FerryStartOrder order;
      FerryControlEvent event;
      int fds[FERRY_START_MAX_DESCRIPTORS];

      sockets_init (&sockets);
      for (guint k = 0; k < G_N_ELEMENTS (fds); k++)
        fds[k] = sockets.application;
      g_assert_cmpint (
        ferry_control_send (sockets.application, FERRY_CONTROL_START, &packet,
                            G_STRUCT_OFFSET (typeof (packet), name) + sizeof packet.name, fds, cases[i].n_fds, 0),
        ==, 0);
      event = ferry_start_order_receive (&order, sockets.peer, buffer, &error);
      g_assert_cmpint (event, ==, cases[i].is_valid ? FERRY_CONTROL_TAKEN : FERRY_CONTROL_INVALID);
      if (!cases[i].is_valid)
        g_assert_error (error, FERRY_ERROR, FERRY_ERROR_PROTOCOL);
      ferry_start_order_clear (&order);
    }
}

static void
test_largest_request_fits (void)
{
  FerryStart start = {0};
  g_autofree char *longest = g_strnfill (FERRY_MAX_PACKET_SIZE - sizeof start - 1 - 1, 'e');
  g_autofree char *longer = g_strconcat (longest, "e", NULL);
  const char *environment[] = {longest, NULL};
  g_autoptr (GError) error = NULL;
  FerryStartRequest *request = ferry_start_request_new (&start, NULL, "n", NULL, environment, &error);

  g_assert_no_error (error);
  ferry_start_request_free (request);
  environment[0] = longer;
  g_assert_null (ferry_start_request_new (&start, NULL, "n", NULL, environment, &error));
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
  ADD ("size-is-exact", test_size_is_exact);
  ADD ("text-has-the-length-that-is-told", test_text_has_the_length_that_is_told);
  ADD ("start-may-have-a-text", test_start_may_have_a_text);
  ADD ("status-is-one-of-the-systems", test_status_is_one_of_the_systems);
  ADD ("packet-of-another-kind-answers-nothing", test_packet_of_another_kind_answers_nothing);
  ADD ("order-arrives-as-it-was-given", test_order_arrives_as_it_was_given);
  ADD ("order-is-checked", test_order_is_checked);
  ADD ("largest-request-fits", test_largest_request_fits);
#undef ADD
  return g_test_run ();
}
