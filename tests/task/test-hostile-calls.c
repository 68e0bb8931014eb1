/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: pool/ferry-pool-worker.c
 *
 * What a hostile worker can say to its pool: answers, items, errors, requests and progress that no honest one sends. */

#include "config.h"

#include "task/hostile-task-test.h"

#include <math.h>
#include <string.h>

#define FAULT(name, orders, words)                                                                                     \
  {                                                                                                                    \
    "/hostile-calls/" name, "take claim " orders " pause", HOSTILE_FAULT, words, FERRY_TASK_KIND_CALL, 1               \
  }

/* The news is dropped, and the answer that follows counts. */
#define DROPPED(name, orders)                                                                                          \
  {                                                                                                                    \
    "/hostile-calls/" name, "take claim " orders " m:type=s,text=still pause", HOSTILE_RESULT, "'still'",              \
      FERRY_TASK_KIND_CALL, 1                                                                                          \
  }

/* The task is lost with its worker, and not run again: what came of it shows that it was begun. */
#define UNCLAIMED(name, orders, words)                                                                                 \
  {                                                                                                                    \
    "/hostile-calls/" name, "take " orders " pause", HOSTILE_FAULT, words, FERRY_TASK_KIND_CALL, 1                     \
  }

static const HostileRow rows[] = {
  FAULT ("refuses-a-message-of-nothing", "raw:0", "less than a header"),
  FAULT ("refuses-a-short-message", "raw:23", "less than a header"),
  FAULT ("refuses-garbage", "raw:5000", "an unknown kind"),
  FAULT ("refuses-a-large-message-of-garbage", "raw:3000000", "an unknown kind"),
  FAULT ("refuses-no-number", "m:xid=0", "no number of a call"),
  FAULT ("refuses-kind-0", "m:kind=0", "an unknown kind"),
  FAULT ("refuses-kind-9", "m:kind=9", "an unknown kind"),
  FAULT ("refuses-flags-of-an-answer", "m:flags=16", "flags, though it is no request"),
  FAULT ("refuses-a-number-of-an-answer", "m:number=-1", "a number out of range"),
  FAULT ("refuses-a-window-of-an-answer", "m:window=1", "a window without a stream"),
  FAULT ("refuses-a-name-of-an-answer", "m:name=x", "a name of impossible length"),
  FAULT ("refuses-a-value-without-a-type", "m:body=8", "bytes of a value without a type"),
  FAULT ("refuses-a-truncated-type", "m:type=s,type-length=9", "less than its header says"),
  FAULT ("refuses-a-type-that-is-too-long", "m:type=s,type-length=1025,body=2000", "a type of impossible length"),
  FAULT ("refuses-any-type", "m:type=*", "no string of one definite type"),
  FAULT ("refuses-half-a-type", "m:type=(ss", "no string of one definite type"),
  FAULT ("refuses-an-error-of-another-type", "m:kind=3,type=s,text=x", "an error that is of another type"),
  FAULT ("refuses-a-refusal-without-an-error", "m:kind=4", "a type of impossible length"),
  FAULT ("refuses-an-item-without-a-value", "m:kind=5,name=x", "a type of impossible length"),
  FAULT ("refuses-an-item-of-no-stream", "m:kind=5,type=s,text=x", "an item beyond its window"),
  FAULT ("refuses-a-name-that-is-no-text", "m:kind=5,name=\\377\\376,type=s,text=x", "a name that is no UTF-8"),
  FAULT ("refuses-a-name-with-a-zero", "m:kind=5,name=x,name-length=4,type=s,text=xxxxxx", "a name that is no UTF-8"),
  FAULT ("refuses-a-name-that-is-too-long", "m:kind=5,name=x,name-length=256,type=s,body=300",
         "a name of impossible length"),
  FAULT ("refuses-a-request-of-no-name", "m:kind=1,xid=1", "a name of impossible length"),
  FAULT ("refuses-a-request-with-impossible-flags", "m:kind=1,xid=1,name=x,flags=3", "impossible flags"),
  FAULT ("refuses-a-window-of-nothing", "m:kind=6,number=0", "a number out of range"),
  FAULT ("refuses-a-huge-window", "m:kind=6,number=1000001", "a number out of range"),
  FAULT ("refuses-a-cancel-without-a-reason", "m:kind=7,number=3", "a number out of range"),
  FAULT ("refuses-a-piece-of-nothing", "m:kind=8,number=0,body=8", "a number out of range"),
  FAULT ("refuses-a-piece-without-bytes", "m:kind=8,number=100", "no bytes in a piece"),
  FAULT ("refuses-a-piece-with-a-type", "m:kind=8,number=100,type=s,text=x", "a type of impossible length"),
  FAULT ("refuses-pieces-that-are-all-of-it", "m:kind=8,number=16,body=8 m:kind=8,number=16,body=8",
         "has more bytes than it announced"),
  FAULT ("refuses-pieces-of-too-much", "m:kind=8,number=1000000000000,body=8", "is larger than this end accepts"),
  FAULT ("refuses-the-end-of-what-did-not-come", "m:number=100,type=s,text=x", "an answer that lacks bytes"),
  FAULT ("refuses-an-answer-with-a-gap", "m:kind=8,number=100,body=8 m:number=100,type=s,text=x",
         "an answer that lacks bytes"),
  FAULT ("refuses-the-end-of-a-value-without-a-type", "m:number=100", "the end of a value without a type"),
  FAULT ("refuses-a-request-that-is-asked-twice-at-once",
         "20000*m:kind=1,xid=#1,name=x,flags=2,window=1 m:kind=1,xid=199991,name=x", "is asked twice"),

  DROPPED ("drops-an-answer-that-was-not-asked-for", "m:xid=+1000 m:xid=18446744073709551615"),
  DROPPED ("drops-an-error-that-was-not-asked-for", "m:xid=+1,kind=3,type=(sissas),body=100"),
  DROPPED ("drops-items-that-were-not-asked-for", "1000*m:xid=+#,kind=5,name=x,type=s,text=x"),
  DROPPED ("drops-pieces-that-were-not-asked-for", "1000*m:kind=8,xid=+#,number=100,body=8"),
  DROPPED ("drops-windows-of-no-stream", "1000*m:kind=6,number=1000000"),
  DROPPED ("drops-a-flood-of-cancels", "100000*m:kind=7,xid=#1,number=1"),
  DROPPED ("refuses-requests", "1000*m:kind=1,xid=#1,name=x,type=s,text=x"),
  DROPPED ("takes-no-one-way-requests", "1000*m:kind=1,xid=#1,flags=1,name=x,type=s,text=x"),
  DROPPED ("drops-progress-of-another-call", "p:xid=+1,fraction=0.5"),

  {"/hostile-calls/drops-a-second-answer", "take claim m:type=s,text=first 1000*m:type=s,text=second pause",
   HOSTILE_RESULT, "'first'", FERRY_TASK_KIND_CALL, 1},
  {"/hostile-calls/drops-items-after-the-answer", "take claim m: 1000*m:kind=5,name=x,type=s,text=x pause",
   HOSTILE_NOTHING, NULL, FERRY_TASK_KIND_CALL, 1},
  UNCLAIMED ("refuses-an-answer-without-a-claim", "m:type=s,text=x", "has an answer, but was not claimed"),
  UNCLAIMED ("refuses-an-error-without-a-claim", "m:kind=3,type=(sissas)", "has an answer, but was not claimed"),
  UNCLAIMED ("refuses-an-item-without-a-claim", "m:kind=5,name=x,type=s,text=x", "has an item, but was not claimed"),
  UNCLAIMED ("refuses-a-piece-without-a-claim", "m:kind=8,number=100,body=8", "has an answer, but was not claimed"),
  UNCLAIMED ("refuses-progress-without-a-claim", "p:fraction=0.5", "progress of a call that was not claimed"),
  {"/hostile-calls/refuses-items-beyond-the-window", "take claim 100000*m:kind=5,type=s,text=x pause", HOSTILE_FAULT,
   "an item beyond its window", FERRY_TASK_KIND_ITERATION, 1},
  {"/hostile-calls/reads-a-cut-value-as-its-default", "take claim m:type=(xs),body=3 pause", HOSTILE_RESULT, "(0, '')",
   FERRY_TASK_KIND_CALL, 1},
  {"/hostile-calls/says-what-is-no-domain", "take claim error:domain=7-such-quark,code=7,message=3 pause",
   HOSTILE_FAILURE, "mmm (code 7 of the error domain '7-such-quark'", FERRY_TASK_KIND_CALL, 1},
  {"/hostile-calls/takes-an-error-without-a-domain", "take claim error:code=-2147483648,message=0 pause",
   HOSTILE_FAILURE, "(code -2147483648 of the error domain ''", FERRY_TASK_KIND_CALL, 1},
  {"/hostile-calls/refuses-an-error-of-no-bytes", "take claim m:kind=3,type=(sissas) pause", HOSTILE_FAULT,
   "a value that is not in normal form", FERRY_TASK_KIND_CALL, 1},
  {"/hostile-calls/fails-a-task-that-is-refused-over-and-over", "refuse pause", HOSTILE_FAILURE, "mmm",
   FERRY_TASK_KIND_CALL, 1},
};

/* ---- values ---- */

static void
test_cuts_errors_that_are_too_long (void)
{
  g_autoptr (HostileTest) test = hostile_test_new (
    "take claim error:domain=g-io-error-quark,code=1,message=4000000,trace=4000000,notes=1000,note=5000 pause");
  g_autoptr (FerryTask) task = hostile_test_new_task (FERRY_TASK_KIND_CALL);
  g_autoptr (TaskTestWitness) witness = hostile_test_submit (test, task);
  const GError *error = task_test_assert_failed (task, G_IO_ERROR, G_IO_ERROR_NOT_FOUND);
  g_autofree char *trace = ferry_error_get_trace (error);

  g_assert_cmpuint (strlen (error->message), <=, 65536);
  g_assert_cmpuint (strlen (ferry_test_get_string (task, "trace")), <, 40000);
  g_assert_cmpuint (strlen (trace), <, 40000);
}

/* Where this program has the function as well, it knows what type the result must be of. */
static void
test_refuses_a_result_of_another_type (void)
{
  g_autoptr (HostileTest) test = hostile_test_new ("take claim m:type=x,body=8 serve");
  g_autoptr (FerryTask) task = ferry_task_new (FERRY_TASK_KIND_CALL, "echo", g_variant_new_string ("x"));
  g_autoptr (TaskTestWitness) witness = hostile_test_submit (test, task);

  task_test_wait_done (task);
  g_assert_cmpint (ferry_task_get_state (task), ==, FERRY_TASK_STATE_FAILED);
  g_assert_nonnull (strstr (ferry_task_get_error (task)->message, "'x'"));
}

static void
test_refuses_a_variant_that_is_too_deep (void)
{
  g_autoptr (HostileTest) test = hostile_test_new ("take claim deep:1000000 pause");
  g_autoptr (FerryTask) task = hostile_test_new_task (FERRY_TASK_KIND_CALL);
  g_autoptr (TaskTestWitness) witness = hostile_test_submit (test, task);

  task_test_wait_done (task);
  hostile_test_assert_fault (test, task, "a value of more than 64 levels");
}

static void
test_takes_a_deep_variant (void)
{
  g_autoptr (HostileTest) test = hostile_test_new ("take claim deep:60 pause");
  g_autoptr (FerryTask) task = hostile_test_new_task (FERRY_TASK_KIND_CALL);
  g_autoptr (TaskTestWitness) witness = hostile_test_submit (test, task);
  g_autoptr (GVariant) result = NULL;
  g_autofree char *text = NULL;

  task_test_wait_done (task);
  result = ferry_task_get_result (task, NULL);
  g_assert_nonnull (result);
  text = g_variant_print (result, TRUE);
  g_assert_cmpuint (strlen (text), <, 1000);
}

static void
test_takes_a_huge_result (void)
{
  g_autoptr (HostileTest) test = hostile_test_new ("take claim large:20000000 pause");
  g_autoptr (FerryTask) task = hostile_test_new_task (FERRY_TASK_KIND_CALL);
  g_autoptr (TaskTestWitness) witness = hostile_test_submit (test, task);
  g_autoptr (GVariant) result = NULL;

  task_test_wait_done (task);
  result = ferry_task_get_result (task, NULL);
  g_assert_cmpuint (g_variant_get_size (result), ==, 20000000);
  hostile_test_assert_memory (test, 100 * 1000 * 1000);
}

/* An item that is a call of its own ends with that, and not with a message as a chunk's items do. */
static void
test_takes_one_answer_of_an_item (void)
{
  g_autoptr (HostileTest) test =
    hostile_test_new ("take claim 2*m:kind=5,name=\\001,type=s,text=early m:type=s,text=late pause");
  g_autoptr (FerryMap) map = ferry_map_new (test->executor, "unknown-here", FERRY_MAP_ORDERED);
  g_autoptr (GError) error = NULL;
  g_autoptr (GListModel) results = NULL;
  g_autoptr (FerryMapItem) item = NULL;

  g_object_set (map, "chunk-size", 1, NULL);
  ferry_map_set_arguments (map, g_variant_new_strv ((const char *[]){"x"}, 1));
  results = ferry_map_collect (map, FERRY_TEST_TIMEOUT_SECONDS * G_USEC_PER_SEC, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (g_list_model_get_n_items (results), ==, 1);
  item = g_list_model_get_item (results, 0);
  g_assert_cmpstr (g_variant_get_string (ferry_map_item_get_value (item), NULL), ==, "late");
}

/* ---- names ---- */

static void
note_name (FerryTask *task, const char *type, GVariant *value, gpointer data)
{
  guint *n = data;

  g_assert_true (g_utf8_validate (type, -1, NULL));
  (*n)++;
}

static guint
count_quarks (void)
{
  static guint n;
  g_autofree char *fresh = g_strdup_printf ("fresh-quark-%u", n++);

  return g_quark_from_string (fresh);
}

/* Quarks are never freed, so what a worker names must not become one. */
static void
test_makes_no_quarks_of_names (void)
{
  g_autoptr (HostileTest) test =
    hostile_test_new ("take claim 20000*m:kind=5,name=type-#,type=s,text=x error:domain=domain-#,code=1,message=2");
  g_autoptr (FerryTask) task = hostile_test_new_task (FERRY_TASK_KIND_CALL);
  guint quarks;
  guint n = 0;
  g_autoptr (TaskTestWitness) witness = NULL;

  g_signal_connect (task, "message", G_CALLBACK (note_name), &n);
  g_signal_connect (task, "message::type-7", G_CALLBACK (note_name), &n);
  quarks = count_quarks ();
  witness = hostile_test_submit (test, task);
  task_test_wait_done (task);
  g_assert_cmpuint (n, ==, 20001);
  /* GLib makes some of its own at the first error, for instance. */
  g_assert_cmpuint (count_quarks (), <, quarks + 100);
}

static void
test_takes_a_name_of_255_bytes (void)
{
  g_autofree char *name = g_strnfill (255, 'n');
  g_autofree char *orders = g_strdup_printf ("take claim m:kind=5,name=%s,type=s,text=x m: pause", name);
  g_autoptr (HostileTest) test = hostile_test_new (orders);
  g_autoptr (FerryTask) task = hostile_test_new_task (FERRY_TASK_KIND_CALL);
  g_autofree char *signal = g_strconcat ("message::", name, NULL);
  guint n = 0;
  g_autoptr (TaskTestWitness) witness = NULL;

  g_signal_connect (task, signal, G_CALLBACK (note_name), &n);
  witness = hostile_test_submit (test, task);
  task_test_assert_result (task, NULL);
  g_assert_cmpuint (n, ==, 1);
}

/* ---- requests ---- */

/* The worker reads none of the refusals, which would wait without end, and each with what was asked. */
static void
test_keeps_nothing_of_requests_whose_refusals_are_not_read (void)
{
  g_autoptr (HostileTest) test = hostile_test_new ("take claim request-storm:10400 m: pause");
  g_autoptr (FerryTask) task = hostile_test_new_task (FERRY_TASK_KIND_CALL);
  g_autoptr (TaskTestWitness) witness = hostile_test_submit (test, task);

  task_test_assert_result (task, NULL);
  hostile_test_assert_memory (test, 100 * 1000 * 1000);
}

static void
test_ends_a_flood_of_requests (void)
{
#ifdef __SANITIZE_ADDRESS__
  /* More requests than a peer may have open take minutes, where each allocation is traced. */
  g_test_skip ("AddressSanitizer is too slow for it");
  return;
#endif
  g_autoptr (HostileTest) test = hostile_test_new ("take claim 200000*m:kind=1,xid=#1,name=x pause");
  g_autoptr (FerryTask) task = hostile_test_new_task (FERRY_TASK_KIND_CALL);
  g_autoptr (TaskTestWitness) witness = hostile_test_submit (test, task);

  hostile_test_assert_fault (test, task, "more requests than can be refused");
  hostile_test_assert_memory (test, 100 * 1000 * 1000);
}

/* ---- progress ---- */

typedef struct
{
  const char *name;
  const char *orders;
  double fraction;
} ProgressRow;

static const ProgressRow progress_rows[] = {
  {"no-number", "p:fraction=nan", 0},
  {"infinite", "p:fraction=inf", 0},
  {"less-than-infinite", "p:fraction=-inf", 0},
  {"negative", "p:fraction=-1e300", 0},
  {"taken-back", "p:fraction=0.5 p:fraction=-inf", 0},
  {"huge", "p:fraction=1e300", 1},
  {"amount-beyond-its-total", "p:fraction=-1,amount=18446744073709551615,total=10", 1},
  {"amounts-that-overflow", "p:fraction=nan,amount=18446744073709551614,total=18446744073709551615", 1},
  {"text-that-is-none", "p:fraction=0.5,text=\\377\\376\\200", 0.5},
};

static void
note_progress (FerryTask *task, gpointer data)
{
  *(double *) data = ferry_task_get_fraction (task);
  g_assert_true (ferry_task_get_text (task) == NULL || g_utf8_validate (ferry_task_get_text (task), -1, NULL));
  g_assert_true (ferry_test_get_number (task, "total") == 0 ||
                 ferry_test_get_number (task, "amount") <= ferry_test_get_number (task, "total"));
}

static void
test_progress (gconstpointer data)
{
  const ProgressRow *row = data;
  g_autofree char *orders = g_strdup_printf ("take claim %s m: pause", row->orders);
  g_autoptr (HostileTest) test = hostile_test_new (orders);
  g_autoptr (FerryTask) task = hostile_test_new_task (FERRY_TASK_KIND_PROGRESS);
  double fraction = 100;
  g_autoptr (TaskTestWitness) witness = NULL;

  g_signal_connect (task, "progress", G_CALLBACK (note_progress), &fraction);
  witness = hostile_test_submit (test, task);
  task_test_assert_result (task, NULL);
  g_assert_cmpfloat (fraction, ==, row->fraction);
}

#define PROGRESS_DROPPED(name, orders) DROPPED ("drops-progress-" name, orders)

static const HostileRow wrong_progress[] = {
  PROGRESS_DROPPED ("that-is-short", "p:size=39"),
  PROGRESS_DROPPED ("of-nothing", "p:size=0"),
  PROGRESS_DROPPED ("that-is-long", "p:size=3000"),
  PROGRESS_DROPPED ("with-lengths-that-lie", "p:text=text,text-length=5"),
  PROGRESS_DROPPED ("with-a-unit-that-is-too-long", "p:unit-length=64,size=104"),
};

int
main (int argc, char **argv)
{
  task_test_init (&argc, &argv);
  hostile_test_add_rows (rows, G_N_ELEMENTS (rows));
  hostile_test_add_rows (wrong_progress, G_N_ELEMENTS (wrong_progress));
  for (guint i = 0; i < G_N_ELEMENTS (progress_rows); i++)
    {
      g_autofree char *path = g_strconcat ("/hostile-calls/makes-sane-progress-", progress_rows[i].name, NULL);

      g_test_add_data_func (path, &progress_rows[i], test_progress);
    }
  g_test_add_func ("/hostile-calls/cuts-errors-that-are-too-long", test_cuts_errors_that_are_too_long);
  g_test_add_func ("/hostile-calls/refuses-a-result-of-another-type", test_refuses_a_result_of_another_type);
  g_test_add_func ("/hostile-calls/takes-one-answer-of-an-item", test_takes_one_answer_of_an_item);
  g_test_add_func ("/hostile-calls/takes-a-deep-variant", test_takes_a_deep_variant);
  g_test_add_func ("/hostile-calls/refuses-a-variant-that-is-too-deep", test_refuses_a_variant_that_is_too_deep);
  g_test_add_func ("/hostile-calls/takes-a-huge-result", test_takes_a_huge_result);
  g_test_add_func ("/hostile-calls/makes-no-quarks-of-names", test_makes_no_quarks_of_names);
  g_test_add_func ("/hostile-calls/takes-a-name-of-255-bytes", test_takes_a_name_of_255_bytes);
  g_test_add_func ("/hostile-calls/keeps-nothing-of-requests-whose-refusals-are-not-read",
                   test_keeps_nothing_of_requests_whose_refusals_are_not_read);
  g_test_add_func ("/hostile-calls/ends-a-flood-of-requests", test_ends_a_flood_of_requests);
  return g_test_run ();
}
