/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: engine/ferry-drain.c
 *
 * Workers that write what they may not into their lane. */

#include "config.h"

#include <signal.h>
#include <string.h>

#include "process/hostile-test.h"
#include "route/ferry-pipe-private.h"

#define FAULT FERRY_CLOSE_REASON_PROTOCOL_ERROR
#define EXITED FERRY_CLOSE_REASON_EXITED

/* A row with a worker that sends 100 good messages, then what is wrong. */
#define AFTER_100(name, orders, words)                                                                                 \
  {                                                                                                                    \
    "/hostile-records/" name, "attach send:100 " orders " send:100 pause", 100, FAULT, words                           \
  }

static const HostileRow rows[] = {
  /* connection ids */
  AFTER_100 ("refuses-id-0", "id:0", "connection id 0, which it was not granted"),
  AFTER_100 ("refuses-an-id-never-given-out", "id:123456789012", "connection id 123456789012, which"),
  AFTER_100 ("refuses-an-id-out-of-range", "id:18446744073709551615", "which it was not granted"),
  /* headers */
  AFTER_100 ("refuses-the-largest-length", "length:4294967295",
             "a record of 4294967295 bytes, where a record has at most 32752"),
  AFTER_100 ("refuses-a-length-that-overflows", "length:4294967288",
             "a record of 4294967288 bytes, where a record has at most 32752"),
  AFTER_100 ("refuses-a-length-over-the-limit", "length:32753",
             "a record of 32753 bytes, where a record has at most 32752"),
  AFTER_100 ("refuses-kind-0", "kind:0", "unknown kind 0"),
  AFTER_100 ("refuses-an-unknown-kind", "kind:9", "unknown kind 9"),
  AFTER_100 ("refuses-the-largest-kind", "kind:65535", "unknown kind 65535"),
  AFTER_100 ("refuses-a-kind-of-the-down-lane", "kind:8", "unknown kind 8"),
  AFTER_100 ("refuses-bytes-with-a-type-number", "number:3", "plain bytes the type number 3"),
  /* types */
  AFTER_100 ("refuses-a-type-out-of-order", "type:2:s", "type number 2"),
  AFTER_100 ("refuses-type-0", "type:0:s", "type number 0"),
  AFTER_100 ("refuses-a-type-announced-twice", "type:1:s type:1:u", "type number 1 of 1 bytes after 1 types"),
  AFTER_100 ("refuses-an-invalid-type", "type:1:(", "is no string of one definite type"),
  AFTER_100 ("refuses-an-indefinite-type", "type:1:a*", "is no string of one definite type"),
  AFTER_100 ("refuses-any-type", "type:1:?", "is no string of one definite type"),
  AFTER_100 ("refuses-an-empty-type", "type:1:", "is no string of one definite type"),
  AFTER_100 ("refuses-two-types-in-one", "type:1:su", "is no string of one definite type"),
  AFTER_100 ("refuses-a-type-with-a-zero", "type-zero", "is no string of one definite type"),
  AFTER_100 ("refuses-a-type-of-65-levels", "type-tuples:65", "type number 1 is a type of more than 64 levels"),
  AFTER_100 ("refuses-the-type-that-glib-aborts-at", "type-tuples:128 variant:1", "type number 1 is"),
  AFTER_100 ("refuses-a-value-of-65-levels", "type:1:v chain:64", "a value of more than 64 levels"),
  AFTER_100 ("refuses-a-value-of-65-levels-in-pieces", "type:1:v large-chain:64", "a value of more than 64 levels"),
  AFTER_100 ("refuses-a-type-that-is-too-long", "type-long", "type number 1 of 1032 bytes"),
  AFTER_100 ("refuses-more-types-than-allowed", "types:256", "type number 256"),
  AFTER_100 ("refuses-strings-that-are-not-in-normal-form", "type:1:as variant:1",
             "a value that is not in normal form"),
  AFTER_100 ("refuses-a-variant-that-is-not-in-normal-form", "type:1:v variant:1",
             "a value that is not in normal form"),
  AFTER_100 ("refuses-a-variant-of-no-type", "variant:1", "used type number 1, and has announced 0 types"),
  AFTER_100 ("refuses-a-variant-of-type-0", "type:1:t variant:0", "used type number 0, and has announced 1 types"),
  AFTER_100 ("refuses-a-variant-of-another-senders-type", "type:1:t second variant:1",
             "used type number 1, and has announced 0 types"),
  AFTER_100 ("refuses-a-stop-with-a-payload", "stop-payload", "stop record has a payload"),
  /* messages in pieces */
  AFTER_100 ("refuses-a-large-message-without-size", "large-short",
             "a large record of 8 bytes; such a record must have 16, or 40"),
  AFTER_100 ("refuses-a-large-message-within-another", "large:100000 large:100000",
             "before the end of another, of which 0 of 100000 bytes have come"),
  AFTER_100 ("refuses-a-large-message-over-the-limit", "large:18446744073709551615",
             "18446744073709551615 bytes, where"),
  AFTER_100 ("refuses-a-large-message-that-is-small", "large:32752",
             "32752 bytes; it must send a message of up to 32752"),
  AFTER_100 ("refuses-a-large-message-of-unknown-kind", "large-kind:7",
             "large message of kind 7 and type number 0, of 0 announced"),
  AFTER_100 ("refuses-a-large-message-of-no-type", "large-kind:2", "large message of kind 2 and type number 0"),
  AFTER_100 ("refuses-a-piece-of-no-message", "piece:100", "a piece of 100 bytes that belongs to no message"),
  AFTER_100 ("refuses-a-piece-of-another-senders-message", "large:40000 second piece:100",
             "while a message of another pipe is unfinished"),
  AFTER_100 ("refuses-a-piece-over-the-size", "large:40000 piece:32000 piece:8001",
             "a piece of 8001 bytes, where 8000 bytes are left"),
  AFTER_100 ("refuses-an-empty-piece", "large:40000 piece:0", "a piece of 0 bytes"),
  AFTER_100 ("refuses-to-abandon-nothing", "abandon", "that it may not write"),
  AFTER_100 ("refuses-to-abandon-another-senders-message", "large:40000 second abandon", "that it may not write"),

  /* At the end of what is published. */
  {"/hostile-records/refuses-a-record-beyond-the-tail", "attach send:100 drained beyond pause", 100, FAULT,
   "more than it has published"},
  {"/hostile-records/refuses-a-piece-beyond-the-tail", "attach send:100 large:40000 drained piece-beyond pause", 100,
   FAULT, "a record of 64 bytes that goes beyond what it published"},
  {"/hostile-records/refuses-half-a-header", "attach send:100 drained half-header pause", 100, FAULT,
   "is 8 bytes behind the end of its last record"},
  {"/hostile-records/refuses-half-a-record-at-the-end", "attach send:100 drained beyond exit:0", 100, FAULT,
   "more than it has published"},

  /* Positions. */
  {"/hostile-records/refuses-an-odd-index", "attach send:100 drained index:4 send:1 pause", 100, FAULT,
   "as its up lane's index"},
  {"/hostile-records/refuses-an-index-beyond-the-ring", "attach send:100 drained index-beyond send:1 pause", 100, FAULT,
   "as its up lane's index"},
  {"/hostile-records/refuses-an-index-far-away", "attach send:100 drained index:9223372036854775800 send:1 pause", 100,
   FAULT, "as its up lane's index"},
  {"/hostile-records/refuses-an-index-far-behind", "attach send:100 drained index:-200000 send:1 pause", 100, FAULT,
   "must store the index at least each 16384 bytes"},
  /* The reader goes on by 16 KiB of these records eight times, from 2,400 bytes to more than 128 KiB. */
  {"/hostile-records/refuses-a-ring-without-an-end", "attach send:100 drained fill-ring pause", 100 + 8 * 512, FAULT,
   "must store the index at least each 16384 bytes"},
  {"/hostile-records/refuses-an-index-left-wrong-at-the-end", "attach send:100 drained index:4 send:1 exit:0", 100,
   FAULT, "as its up lane's index"},

  /* Random bytes; what comes of them is not known, but that it is a fault. */
  {"/hostile-records/refuses-garbage", "attach send:100 garbage:4096 pause", 100, FAULT, "broke the protocol"},
  {"/hostile-records/refuses-a-ring-of-garbage", "attach send:100 drained garbage:100000 pause", 100, FAULT,
   "broke the protocol"},

  /* What breaks no rule. */
  {"/hostile-records/goes-on-with-an-index-that-is-behind", "attach send:100 drained index:-8 send:1 exit:0", 101,
   EXITED, "status 0"},
  {"/hostile-records/goes-on-with-an-index-of-0", "attach send:100 drained index:-2400 send:1 exit:0", 101, EXITED,
   "status 0"},
  {"/hostile-records/takes-a-value-of-64-levels", "attach send:100 type:1:v chain:63 large-chain:63 exit:0", 102,
   EXITED, "status 0"},
  {"/hostile-records/takes-a-type-of-64-levels", "attach send:100 type-tuples:64 send:1 exit:0", 101, EXITED,
   "status 0"},

  /* What only the worker loses by. */
  {"/hostile-records/takes-what-was-sent-before-attaching", "welcome send:100 attach send:100 exit:0", 200, EXITED,
   "status 0"},
  {"/hostile-records/gives-up-half-a-large-message", "attach send:100 large:100000 piece:32000 exit:0", 100, EXITED,
   "status 0"},
  {"/hostile-records/takes-a-lane-that-was-not-attached", "welcome send:100 exit:0", 100, EXITED, "status 0"},
};

/* The honest worker's connection id. */
static void
test_refuses_the_id_of_another_worker (void)
{
  static const HostileRow row = {NULL, NULL, 100, FAULT, "which it was not granted"};
  g_autofree char *orders = NULL;
  HostileTest test;

  hostile_test_begin (&test);
  orders = g_strdup_printf ("attach send:100 id:%" G_GUINT64_FORMAT " pause",
                            ferry_receiver_get_connection_id (test.honest->receiver));
  hostile_test_spawn (&test, orders);
  hostile_test_assert_ended (&test, &row);
  hostile_test_finish (&test);
}

/* That of an open pipe with a sender that is still here. */
static void
test_refuses_the_id_of_a_sender_not_passed (void)
{
  static const HostileRow row = {NULL, NULL, 100, FAULT, "which it was not granted"};
  g_autofree char *orders = NULL;
  FerryTestPipe *pipe;
  HostileTest test;

  hostile_test_begin (&test);
  pipe = ferry_test_pipe_new (test.router);
  orders = g_strdup_printf ("attach send:100 id:%" G_GUINT64_FORMAT " pause",
                            ferry_receiver_get_connection_id (pipe->receiver));
  hostile_test_spawn (&test, orders);
  hostile_test_assert_ended (&test, &row);
  g_assert_cmpuint (pipe->n_messages, ==, 0);
  ferry_test_pipe_free (pipe);
  hostile_test_finish (&test);
}

static void
test_drops_what_is_written_after_a_stop (void)
{
  static const HostileRow row = {NULL, NULL, 100, EXITED, "status 0"};
  HostileTest test;

  hostile_test_begin (&test);
  hostile_test_spawn (&test, "attach send:100 stop send:50 type:1:s stop send:50 exit:0");
  hostile_test_assert_ended (&test, &row);
  ferry_test_pipe_assert_end (test.pipe, FERRY_CLOSE_REASON_STOPPED);
  g_assert_cmpuint (ferry_router_get_counter (test.router, FERRY_COUNTER_DROPPED), ==, 100);
  hostile_test_finish (&test);
}

static void
test_does_not_see_a_record_before_it_is_published (void)
{
  static const HostileRow row = {NULL, NULL, 100, FERRY_CLOSE_REASON_KILLED, "signal 9"};
  HostileTest test;

  hostile_test_begin (&test);
  hostile_test_spawn (&test, "attach send:100 mid-write");
  ferry_test_pipe_wait_count (test.pipe, 100);
  hostile_test_assert_progress (&test);
  ferry_worker_force_exit (test.worker);
  hostile_test_assert_ended (&test, &row);
  hostile_test_finish (&test);
}

/* Bytes that this process has resident. */
static gsize
get_resident (void)
{
  g_autofree char *text = NULL;
  const char *line;

  g_assert_true (g_file_get_contents ("/proc/self/status", &text, NULL, NULL));
  line = strstr (text, "VmRSS:");
  g_assert_nonnull (line);
  return g_ascii_strtoull (line + strlen ("VmRSS:"), NULL, 10) * 1024;
}

/* Half of what the promises would take, if each began with what is taken at first. */
#define GROWTH_ALLOWED (512 * 1024 * 1024)

static void
test_takes_no_memory_for_promises (void)
{
  static const HostileRow row = {NULL, NULL, 0, EXITED, "status 0"};
  gsize before;
  HostileTest test;

  hostile_test_begin (&test);
  before = get_resident ();
  hostile_test_spawn (&test, "attach large-storm:2000 exit:0");
  hostile_test_assert_ended (&test, &row);
  g_assert_cmpuint (get_resident (), <, before + GROWTH_ALLOWED);
  hostile_test_finish (&test);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, G_TEST_OPTION_ISOLATE_DIRS, NULL);
  g_test_add_func ("/hostile-records/refuses-the-id-of-another-worker", test_refuses_the_id_of_another_worker);
  g_test_add_func ("/hostile-records/refuses-the-id-of-a-sender-not-passed",
                   test_refuses_the_id_of_a_sender_not_passed);
  hostile_test_add_rows (rows, G_N_ELEMENTS (rows));
  g_test_add_func ("/hostile-records/drops-what-is-written-after-a-stop", test_drops_what_is_written_after_a_stop);
  g_test_add_func ("/hostile-records/does-not-see-a-record-before-it-is-published",
                   test_does_not_see_a_record_before_it_is_published);
  g_test_add_func ("/hostile-records/takes-no-memory-for-promises", test_takes_no_memory_for_promises);
  return g_test_run ();
}
