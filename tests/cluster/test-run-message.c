/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: cluster/ferry-run-message.c
 *
 * What an application and a host say to each other arrives as it was said, and what cannot be meant is refused. */

#include "config.h"

#include <math.h>
#include <string.h>

#include "base/ferry-error.h"
#include "cluster/ferry-run-message-private.h"
#include "pool/ferry-labels-private.h"

static char *
repeat (char letter, gsize n)
{
  return g_strnfill (n, letter);
}

/* Takes value. */
static GVariant *
keep (GVariant *value)
{
  return g_variant_ref_sink (value);
}

static GVariant *
parse (const char *text)
{
  g_autoptr (GError) error = NULL;
  GVariant *value = g_variant_parse (NULL, text, NULL, NULL, &error);

  g_assert_no_error (error);
  return value;
}

/* The end of facts of a host without labels, whose program tells no version. */
#define NO_MORE ", '', @as [], false, (@t 0, @u 0, @u 0, @u 0, @t 0, @t 0, @t 0, @t 0))"

static void
facts_arrive_in_order (void)
{
  g_autoptr (GVariant) value =
    parse ("(@u 1, '0.1.0', 'alpha', '01af', ['c', 'a', 'b', 'a', 'c'], @u 2, false" NO_MORE);
  g_autoptr (GVariant) expected = parse ("(@u 1, '0.1.0', 'alpha', '01af', ['a', 'b', 'c'], @u 2, false" NO_MORE);
  g_autoptr (GVariant) again = NULL;
  g_auto (FerryHostFacts) facts = {0};
  g_autoptr (GError) error = NULL;

  ferry_host_facts_from_variant (&facts, value, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (facts.version, ==, 1);
  g_assert_cmpstr (facts.name, ==, "alpha");
  g_assert_cmpstr (facts.instance, ==, "01af");
  g_assert_cmpstrv (facts.functions, ((const char *const[]){"a", "b", "c", NULL}));
  g_assert_cmpuint (facts.n_workers, ==, 2);
  g_assert_cmpstr (facts.ferry_version, ==, "0.1.0");
  g_assert_false (facts.draining);
  again = keep (ferry_host_facts_to_variant (&facts));
  g_assert_cmpvariant (again, expected);
}

static void
assert_no_facts (const char *text)
{
  g_autoptr (GVariant) value = parse (text);
  g_auto (FerryHostFacts) facts = {0};
  g_autoptr (GError) error = NULL;

  g_assert_false (ferry_host_facts_from_variant (&facts, value, &error));
  g_assert_error (error, FERRY_ERROR, FERRY_ERROR_PROTOCOL);
  g_assert_null (facts.name);
}

static void
impossible_facts_are_refused (void)
{
  g_autofree char *long_name = repeat ('a', FERRY_MAX_TOKEN + 1);
  g_autofree char *too_long = g_strdup_printf ("(@u 1, '0.1.0', '%s', '1', @as [], @u 1, false" NO_MORE, long_name);

  assert_no_facts (too_long);
  assert_no_facts ("(@u 1, '0.1.0', '', '1', @as [], @u 1, false" NO_MORE);
  assert_no_facts ("(@u 1, '0.1.0', 'a.b', '1', @as [], @u 1, false" NO_MORE);
  assert_no_facts ("(@u 1, '0.1.0', 'a*', '1', @as [], @u 1, false" NO_MORE);
  assert_no_facts ("(@u 1, '0.1.0', 'a', '', @as [], @u 1, false" NO_MORE);
  assert_no_facts ("(@u 1, '0.1.0', 'a', '1', [''], @u 1, false" NO_MORE);
  assert_no_facts ("(@u 1, '0.1.0', 'a', '1', @as [], @u 0, false" NO_MORE);
  assert_no_facts ("(@u 1, '0.1.0', 'a', '1', @as [], @u 65536, false" NO_MORE);
  assert_no_facts ("(@u 1, '', 'a', '1', @as [], @u 1, false" NO_MORE);
  assert_no_facts ("'facts'");
}

static void
labels_and_figures_arrive_as_they_were_told (void)
{
  static char *none[] = {NULL};
  char *labels[] = {(char *) "gpu", (char *) "site.berlin", NULL};
  const FerryHostFacts sent = {
    .version = FERRY_RUN_VERSION,
    .ferry_version = (char *) "0.1.0",
    .name = (char *) "alpha",
    .instance = (char *) "01af",
    .functions = none,
    .n_workers = 1,
    .program_version = (char *) "1.4~rc1",
    .labels = labels,
    .asking = TRUE,
    .figures = {1, 2, 3, 4, 5, 6, 7, G_MAXUINT64},
  };
  g_autoptr (GVariant) value = keep (ferry_host_facts_to_variant (&sent));
  g_auto (FerryHostFacts) facts = {0};
  g_autoptr (GError) error = NULL;

  ferry_host_facts_from_variant (&facts, value, &error);
  g_assert_no_error (error);
  g_assert_cmpstr (facts.program_version, ==, "1.4~rc1");
  g_assert_cmpstrv (facts.labels, labels);
  g_assert_true (facts.asking);
  g_assert_cmpmem (&facts.figures, sizeof facts.figures, &sent.figures, sizeof sent.figures);
}

static void
assert_no_labels (const char *version, const char *labels)
{
  g_autofree char *text = g_strdup_printf ("(@u 1, '0.1.0', 'a', '1', @as [], @u 1, false, '%s', %s, false, "
                                           "(@t 0, @u 0, @u 0, @u 0, @t 0, @t 0, @t 0, @t 0))",
                                           version, labels);

  assert_no_facts (text);
}

static void
impossible_labels_are_refused (void)
{
  g_autofree char *name = repeat ('a', FERRY_MAX_LABEL + 1);
  g_autofree char *too_long = g_strdup_printf ("['%s']", name);
  g_autoptr (GString) too_many = g_string_new ("['l'");

  for (guint i = 0; i < FERRY_MAX_LABELS; i++)
    g_string_append (too_many, ", 'l'");
  g_string_append_c (too_many, ']');
  assert_no_labels ("", "['']");
  assert_no_labels ("", "['g pu']");
  assert_no_labels ("", "['\\u001b[2J']");
  assert_no_labels ("", too_long);
  assert_no_labels ("", too_many->str);
  assert_no_labels ("1 4", "@as []");
  assert_no_labels ("1\\u001b", "@as []");
}

static void
too_many_functions_are_refused (void)
{
  g_auto (FerryHostFacts) facts = {0};
  g_autoptr (GPtrArray) names = g_ptr_array_new ();
  FerryHostFacts many = {
    .version = 1, .name = (char *) "a", .instance = (char *) "1", .n_workers = 1, .ferry_version = (char *) "0.1.0"};
  g_autoptr (GVariant) value = NULL;

  for (guint i = 0; i <= FERRY_MAX_HOST_FUNCTIONS; i++)
    g_ptr_array_add (names, (gpointer) "f");
  g_ptr_array_add (names, NULL);
  many.functions = (char **) names->pdata;
  value = keep (ferry_host_facts_to_variant (&many));
  g_assert_false (ferry_host_facts_from_variant (&facts, value, NULL));
}

static void
another_version_is_told (void)
{
  g_autoptr (GVariant) facts = keep (g_variant_new ("(usab)", FERRY_RUN_VERSION + 1, "9.8.7~rc1", NULL));
  g_autoptr (GVariant) serve = keep (g_variant_new ("(us)", 2, "a\033[2J"));
  g_autoptr (GVariant) nothing = keep (g_variant_new ("(u)", 2));
  g_autoptr (GVariant) hello = keep (ferry_hello_to_variant ());
  g_auto (FerryServeRequest) request = {0};
  g_autofree char *versions = g_strdup_printf ("The host 'alpha' has Ferry 9.8.7~rc1, which speaks version %d of the "
                                               "protocol for tasks, and this program has Ferry %s, which speaks "
                                               "version %d;*",
                                               FERRY_RUN_VERSION + 1, FERRY_PROJECT_VERSION, FERRY_RUN_VERSION);
  g_autoptr (GError) error = NULL;

  g_assert_true (ferry_run_check_version (hello, "The application", NULL));
  g_assert_false (ferry_run_check_version (facts, "The host 'alpha'", &error));
  g_assert_error (error, FERRY_ERROR, FERRY_ERROR_VERSION);
  g_assert_true (g_pattern_match_simple (versions, error->message));
  g_clear_error (&error);
  g_assert_false (ferry_serve_request_from_variant (&request, serve, &error));
  g_assert_error (error, FERRY_ERROR, FERRY_ERROR_VERSION);
  g_assert_nonnull (strstr (error->message, "Ferry of an unknown version"));
  g_clear_error (&error);
  g_assert_false (ferry_run_check_version (nothing, "The application", &error));
  g_assert_error (error, FERRY_ERROR, FERRY_ERROR_PROTOCOL);
}

static void
a_greeting_arrives_as_it_was_sent (void)
{
  const FerryServeRequest sent = {(char *) "shop", (char *) "0af-1", G_MAXUINT64};
  const FerryServeRequest bad[] = {{(char *) "sh.op", (char *) "0af-1", 1}, {(char *) "shop", (char *) "", 1}};
  g_autoptr (GVariant) good = keep (ferry_serve_request_to_variant (&sent));
  g_auto (FerryServeRequest) request = {0};

  g_assert_true (ferry_serve_request_from_variant (&request, good, NULL));
  g_assert_cmpstr (request.application, ==, "shop");
  g_assert_cmpstr (request.client, ==, "0af-1");
  g_assert_cmpuint (request.start, ==, G_MAXUINT64);
  for (guint i = 0; i < G_N_ELEMENTS (bad); i++)
    {
      g_autoptr (GVariant) value = keep (ferry_serve_request_to_variant (&bad[i]));
      g_auto (FerryServeRequest) none = {0};
      g_autoptr (GError) error = NULL;

      g_assert_false (ferry_serve_request_from_variant (&none, value, &error));
      g_assert_error (error, FERRY_ERROR, FERRY_ERROR_PROTOCOL);
    }
}

static void
a_task_arrives_as_it_was_sent (void)
{
  g_autofree char *long_name = repeat ('n', FERRY_MAX_RUN_NAME + 100);
  g_autoptr (GVariant) arguments = parse ("('word', @ax [1, 2])");
  const FerryRunRequest sent = {
    .id = 7,
    .attempt = 2,
    .name = long_name,
    .function = "work",
    .settings = {.idempotent = TRUE, .run_timeout = 1, .deadline = G_MAXINT64, .cancel_grace = 3},
    .leave_ahead = 255,
    .kind = FERRY_TASK_KIND_STEPS,
    .arguments = arguments,
  };
  g_autoptr (GVariant) value = keep (ferry_run_request_to_variant (&sent));
  g_auto (FerryRunRequest) request = {0};
  g_autoptr (GError) error = NULL;

  ferry_run_request_from_variant (&request, value, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (request.id, ==, 7);
  g_assert_cmpuint (request.attempt, ==, 2);
  g_assert_cmpuint (strlen (request.name), ==, FERRY_MAX_RUN_NAME);
  g_assert_cmpstr (request.function, ==, "work");
  g_assert_true (request.settings.idempotent);
  g_assert_cmpuint (request.leave_ahead, ==, 255);
  g_assert_cmpint (request.settings.run_timeout, ==, 1);
  g_assert_cmpint (request.settings.deadline, ==, G_MAXINT64);
  g_assert_cmpint (request.settings.cancel_grace, ==, 3);
  g_assert_cmpint (request.kind, ==, FERRY_TASK_KIND_STEPS);
  g_assert_cmpvariant (request.arguments, arguments);
}

/* An end keeps what it has packed or unpacked last, which may be that of another task. */
static void
settings_are_those_of_each_task (void)
{
  g_auto (FerryRunSettings) here = {0};
  g_auto (FerryRunSettings) there = {0};

  for (guint i = 0; i < 9; i++)
    {
      FerryRunRequest sent = {.attempt = 1, .name = "", .function = "work", .latest = &here};
      g_autoptr (GVariant) value = NULL;
      g_auto (FerryRunRequest) request = {.latest = &there};

      ferry_task_fields_unpack (&sent.settings, FERRY_TASK_FIELDS_OF_SESSION, NULL);
      sent.settings.idempotent = i >= 3;
      sent.settings.run_timeout = i / 2;
      value = keep (ferry_run_request_to_variant (&sent));
      g_assert_true (ferry_run_request_from_variant (&request, value, NULL));
      g_assert_cmpint (request.settings.idempotent, ==, i >= 3);
      g_assert_cmpint (request.settings.run_timeout, ==, i / 2);
      g_assert_cmpint (request.settings.cancel_grace, ==, FERRY_DEFAULT_CANCEL_GRACE);
    }
}

static void
names_are_cut_between_characters (void)
{
  g_autofree char *tail = repeat ('n', FERRY_MAX_RUN_NAME - 1);
  g_autofree char *name = g_strconcat (tail, "\303\266\303\266", NULL);
  const FerryRunRequest sent = {.attempt = 1, .name = name, .function = "work"};
  g_autoptr (GVariant) value = keep (ferry_run_request_to_variant (&sent));
  g_auto (FerryRunRequest) request = {0};

  g_assert_true (ferry_run_request_from_variant (&request, value, NULL));
  g_assert_cmpstr (request.name, ==, tail);
  g_assert_null (request.arguments);
}

/* Such as that of a file in another encoding. */
static void
a_name_that_is_no_text_arrives_as_text (void)
{
  g_autofree char *tail = repeat ('\xff', FERRY_MAX_RUN_NAME);
  const char *const names[][2] = {{"\xff", "\357\277\275"}, {"caf\xe9.txt", "caf\357\277\275.txt"}, {tail, NULL}};

  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    {
      const FerryRunRequest sent = {.attempt = 1, .name = names[i][0], .function = "work"};
      g_autoptr (GVariant) value = keep (ferry_run_request_to_variant (&sent));
      g_auto (FerryRunRequest) request = {0};
      g_autoptr (GError) error = NULL;

      ferry_run_request_from_variant (&request, value, &error);
      g_assert_no_error (error);
      if (names[i][1] != NULL)
        g_assert_cmpstr (request.name, ==, names[i][1]);
      g_assert_cmpuint (strlen (request.name), <=, FERRY_MAX_RUN_NAME);
    }
}

/* Takes away the last bytes of the request, and changes one byte. */
static void
assert_no_task (const FerryRunRequest *sent, gsize n_cut, gssize changed, guint8 byte)
{
  g_autoptr (GVariant) whole = keep (ferry_run_request_to_variant (sent));
  gsize size = g_variant_get_size (whole) - n_cut;
  guint8 *data = g_memdup2 (g_variant_get_data (whole), size);
  g_autoptr (GVariant) value =
    keep (g_variant_new_from_data (G_VARIANT_TYPE_BYTESTRING, data, size, TRUE, g_free, data));
  g_auto (FerryRunRequest) request = {0};
  g_autoptr (GError) error = NULL;

  if (changed >= 0)
    data[changed] = byte;
  g_assert_false (ferry_run_request_from_variant (&request, value, &error));
  g_assert_error (error, FERRY_ERROR, FERRY_ERROR_PROTOCOL);
  g_assert_null (request.function);
}

static void
impossible_tasks_are_refused (void)
{
  g_autoptr (GVariant) arguments = parse ("('word', @ax [1, 2])");
  g_autoptr (GVariant) text = parse ("'a task'");
  g_auto (FerryRunRequest) request = {0};
  FerryRunRequest good = {
    .attempt = 1,
    .name = "name",
    .function = "function",
    .arguments = arguments,
  };
  FerryRunRequest bad;

  ferry_task_fields_unpack (&good.settings, FERRY_TASK_FIELDS_OF_SESSION, NULL);
  /* The numbers are those of the header's bytes, and of what is behind them: the name, the function and the type. */
  assert_no_task (&good, 8, -1, 0);
  assert_no_task (&good, 0, 15, 0x7f);
  assert_no_task (&good, 0, 16, 1);
  assert_no_task (&good, 0, 24, 0x7f);
  assert_no_task (&good, 0, 31, 0x7f);
  assert_no_task (&good, 0, 40, 0xff);
  assert_no_task (&good, 0, 48, 0xff);
  assert_no_task (&good, 0, 64, '?');
  bad = good;
  bad.attempt = 0;
  assert_no_task (&bad, 0, -1, 0);
  bad = good;
  bad.function = "";
  assert_no_task (&bad, 0, -1, 0);
  bad = good;
  bad.settings.run_timeout = -1;
  assert_no_task (&bad, 0, -1, 0);
  bad = good;
  bad.settings.deadline = -1;
  assert_no_task (&bad, 0, -1, 0);
  bad = good;
  bad.settings.cancel_grace = -1;
  assert_no_task (&bad, 0, -1, 0);
  bad = good;
  bad.kind = (FerryTaskKind) (FERRY_TASK_KIND_STEPS + 1);
  assert_no_task (&bad, 0, -1, 0);
  g_assert_false (ferry_run_request_from_variant (&request, text, NULL));
  g_assert_false (ferry_run_request_from_variant (&request, NULL, NULL));
}

static void
progress_is_brought_into_range (void)
{
  FerryProgress sent = {.fraction = 7, .amount = 9, .total = 4, .unit = "parts", .text = "going on"};
  FerryProgress progress;
  g_autoptr (GVariant) value = keep (ferry_run_progress_to_variant (&sent));
  FerryProgress nothing = {.fraction = NAN, .amount = 3};
  g_autoptr (GVariant) unknown = keep (ferry_run_progress_to_variant (&nothing));
  FerryProgress back = {.fraction = FERRY_FRACTION_TAKEN_BACK, .amount = 3, .total = 4};
  g_autoptr (GVariant) taken_back = keep (ferry_run_progress_to_variant (&back));
  g_autoptr (GVariant) cut = keep (g_variant_new_fixed_array (G_VARIANT_TYPE_BYTE, "cut", 3, 1));

  g_assert_true (ferry_run_progress_from_variant (&progress, value, NULL));
  g_assert_cmpfloat (progress.fraction, ==, 1);
  g_assert_cmpuint (progress.amount, ==, 4);
  g_assert_cmpstr (progress.unit, ==, "parts");
  g_assert_cmpstr (progress.text, ==, "going on");
  g_assert_true (ferry_run_progress_from_variant (&progress, unknown, NULL));
  g_assert_cmpfloat (progress.fraction, ==, -1);
  g_assert_cmpuint (progress.amount, ==, 3);
  g_assert_true (ferry_run_progress_from_variant (&progress, taken_back, NULL));
  g_assert_cmpfloat (progress.fraction, ==, FERRY_FRACTION_TAKEN_BACK);
  g_assert_false (ferry_run_progress_from_variant (&progress, cut, NULL));
  g_assert_false (ferry_run_progress_from_variant (&progress, NULL, NULL));
}

static void
lines_are_checked (void)
{
  g_autofree char *long_line = repeat ('l', FERRY_MAX_LOG_LINE + 1);
  g_autoptr (GVariant) fatal =
    keep (g_variant_new ("(us)", (guint) (G_LOG_FLAG_FATAL | G_LOG_LEVEL_ERROR), "a\nb\033[2J"));
  g_autoptr (GVariant) long_one = keep (g_variant_new ("(us)", 0, long_line));
  g_autofree char *line = NULL;
  g_autofree char *cut = NULL;
  GLogLevelFlags level;

  g_assert_true (ferry_run_log_from_variant (fatal, &level, &line, NULL));
  g_assert_cmpint (level, ==, G_LOG_LEVEL_WARNING);
  g_assert_cmpstr (line, ==, "a b [2J");
  g_assert_true (ferry_run_log_from_variant (long_one, &level, &cut, NULL));
  g_assert_cmpuint (strlen (cut), ==, FERRY_MAX_LOG_LINE);
}

static void
numbers_and_orders_are_checked (void)
{
  g_autoptr (GVariant) most = keep (g_variant_new_uint64 (7));
  g_autoptr (GVariant) text = keep (g_variant_new_string ("7"));
  g_autoptr (GVariant) order = keep (ferry_run_order_to_variant (7, G_MAXINT64));
  g_autoptr (GVariant) one = parse ("[@t 7]");
  g_autoptr (GVariant) negative = keep (ferry_run_order_to_variant (7, -1));
  guint64 number = 0;
  guint64 xid = 0;
  gint64 given = 0;

  g_assert_false (ferry_run_number_from_variant (most, 6, &number, NULL));
  g_assert_false (ferry_run_number_from_variant (text, 7, &number, NULL));
  g_assert_false (ferry_run_number_from_variant (NULL, 7, &number, NULL));
  g_assert_true (ferry_run_number_from_variant (most, 7, &number, NULL));
  g_assert_cmpuint (number, ==, 7);
  g_assert_false (ferry_run_order_from_variant (negative, &xid, &given, NULL));
  g_assert_false (ferry_run_order_from_variant (one, &xid, &given, NULL));
  g_assert_false (ferry_run_order_from_variant (most, &xid, &given, NULL));
  g_assert_true (ferry_run_order_from_variant (order, &xid, &given, NULL));
  g_assert_cmpuint (xid, ==, 7);
  g_assert_cmpint (given, ==, G_MAXINT64);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/run-message/facts-arrive-in-order", facts_arrive_in_order);
  g_test_add_func ("/run-message/impossible-facts-are-refused", impossible_facts_are_refused);
  g_test_add_func ("/run-message/labels-and-figures-arrive-as-they-were-told",
                   labels_and_figures_arrive_as_they_were_told);
  g_test_add_func ("/run-message/impossible-labels-are-refused", impossible_labels_are_refused);
  g_test_add_func ("/run-message/too-many-functions-are-refused", too_many_functions_are_refused);
  g_test_add_func ("/run-message/another-version-is-told", another_version_is_told);
  g_test_add_func ("/run-message/a-greeting-arrives-as-it-was-sent", a_greeting_arrives_as_it_was_sent);
  g_test_add_func ("/run-message/a-task-arrives-as-it-was-sent", a_task_arrives_as_it_was_sent);
  g_test_add_func ("/run-message/settings-are-those-of-each-task", settings_are_those_of_each_task);
  g_test_add_func ("/run-message/names-are-cut-between-characters", names_are_cut_between_characters);
  g_test_add_func ("/run-message/a-name-that-is-no-text-arrives-as-text", a_name_that_is_no_text_arrives_as_text);
  g_test_add_func ("/run-message/impossible-tasks-are-refused", impossible_tasks_are_refused);
  g_test_add_func ("/run-message/progress-is-brought-into-range", progress_is_brought_into_range);
  g_test_add_func ("/run-message/lines-are-checked", lines_are_checked);
  g_test_add_func ("/run-message/numbers-and-orders-are-checked", numbers_and_orders_are_checked);
  return g_test_run ();
}
