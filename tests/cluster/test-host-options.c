/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: cluster/ferry-host-options.c, cluster/ferry-host-metrics.c
 *
 * What the command line says, and the file of --metrics-file as the checkers of others read it. */

#include "config.h"

#include <glib/gstdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cluster/ferry-host-metrics-private.h"
#include "cluster/ferry-host-program-private.h"
#include "cluster/ferry-run-message-private.h"
#include "ferry-test.h"

static gboolean
parse (FerryHostOptions *options, const char *line, GError **error)
{
  g_auto (GStrv) arguments = NULL;

  g_assert_true (g_shell_parse_argv (line, NULL, &arguments, NULL));
  return ferry_host_options_parse (options, arguments, error);
}

static void
test_program_is_enough (void)
{
  g_auto (FerryHostOptions) options = {0};
  g_autoptr (GError) error = NULL;

  parse (&options, "ferry-host /usr/lib/my.app/worker", &error);
  g_assert_no_error (error);
  g_assert_cmpstr (options.server, ==, FERRY_HOST_DEFAULT_SERVER);
  g_assert_cmpstr (options.application, ==, "worker");
  g_assert_cmpint (strlen (options.name), >, 0);
  g_assert_cmpstr (options.functions, ==, "*");
  g_assert_cmpstr (options.program[0], ==, "/usr/lib/my.app/worker");
  g_assert_null (options.program[1]);
}

static void
test_name_of_the_program_becomes_a_token (void)
{
  g_auto (FerryHostOptions) options = {0};

  g_assert_true (parse (&options, "ferry-host './my worker.py'", NULL));
  g_assert_cmpstr (options.application, ==, "my-worker-py");
}

static void
test_arguments_of_the_program_are_its_own (void)
{
  g_auto (FerryHostOptions) options = {0};
  g_auto (FerryHostOptions) other = {0};

  g_assert_true (parse (&options, "ferry-host -w 3 python3 --workers 5 worker.py -v", NULL));
  g_assert_cmpint (options.n_workers, ==, 3);
  g_assert_false (options.verbose);
  g_assert_cmpuint (g_strv_length (options.program), ==, 5);
  g_assert_cmpstr (options.program[1], ==, "--workers");
  g_assert_true (parse (&other, "ferry-host -v -- -odd-name x", NULL));
  g_assert_true (other.verbose);
  g_assert_cmpstr (other.program[0], ==, "-odd-name");
}

static void
test_all_options_are_read (void)
{
  g_auto (FerryHostOptions) options = {0};
  g_autoptr (GError) error = NULL;

  parse (&options,
         "ferry-host --server tls://a:1 --application demo --name alpha --workers 7 --functions 'thumb*' "
         "--credentials c --nkey k --tls-ca t --sandbox preferred --read /r --write /w --network --memory-limit 2G "
         "--max-tasks 9 --cut-timeout 60 --no-fork-server --label gpu --label site.berlin --check --verbose p",
         &error);
  g_assert_no_error (error);
  g_assert_cmpstr (options.server, ==, "tls://a:1");
  g_assert_cmpstr (options.application, ==, "demo");
  g_assert_cmpstr (options.name, ==, "alpha");
  g_assert_cmpstr (options.functions, ==, "thumb*");
  g_assert_cmpstr (options.credentials, ==, "c");
  g_assert_cmpstr (options.nkey, ==, "k");
  g_assert_cmpstr (options.tls_ca, ==, "t");
  g_assert_cmpstr (options.readable[0], ==, "/r");
  g_assert_cmpstr (options.writable[0], ==, "/w");
  g_assert_cmpint (options.memory_limit, ==, G_GINT64_CONSTANT (2) << 30);
  g_assert_cmpint (options.max_tasks, ==, 9);
  g_assert_cmpint (options.cut_timeout, ==, 60);
  g_assert_cmpstrv (options.labels, ((const char *const[]){"gpu", "site.berlin", NULL}));
  g_assert_true (options.network && options.no_fork_server && options.check && options.verbose);
}

/* It asks a host that runs already. */
static void
test_status_needs_no_program (void)
{
  g_auto (FerryHostOptions) options = {0};
  g_auto (FerryHostOptions) with_program = {0};
  g_autoptr (GError) error = NULL;

  parse (&options, "ferry-host --status --application demo --metrics-file /run/alpha.prom", &error);
  g_assert_no_error (error);
  g_assert_true (options.status);
  g_assert_cmpstr (options.application, ==, "demo");
  g_assert_cmpstr (options.metrics_file, ==, "/run/alpha.prom");
  parse (&with_program, "ferry-host --status /usr/bin/worker", &error);
  g_assert_no_error (error);
  g_assert_cmpstr (with_program.application, ==, "worker");
}

static void
test_wrong_options_are_told (void)
{
  static const char *const lines[] = {
    "ferry-host",
    "ferry-host --",
    "ferry-host --nonsense p",
    "ferry-host --name a.b p",
    "ferry-host --name '' p",
    "ferry-host --application 'a b' p",
    "ferry-host --workers -1 p",
    "ferry-host --cut-timeout 0 p",
    "ferry-host --workers 65536 p",
    "ferry-host --max-tasks -1 p",
    "ferry-host --cut-timeout -1 p",
    "ferry-host --sandbox maybe p",
    "ferry-host --read / p",
    "ferry-host --sandbox off --network p",
    "ferry-host --status",
    "ferry-host --label '' p",
    "ferry-host --label 'g pu' p",
    "ferry-host --label gpu,nvme p",
    "ferry-host --memory-limit 0 p",
    "ferry-host --memory-limit -5 p",
    "ferry-host --memory-limit 5X p",
    "ferry-host --memory-limit 5kk p",
    "ferry-host --memory-limit k p",
    "ferry-host --memory-limit 9999999999999T p",
    "ferry-host --server nats://alpha:secret@a:1 p",
    "ferry-host --server=nats://a:1,tls://alpha:secret@b p",
    "ferry-host -s nats://alpha:se,cret@a p",
  };

  for (guint i = 0; i < G_N_ELEMENTS (lines); i++)
    {
      g_auto (FerryHostOptions) options = {0};
      g_autoptr (GError) error = NULL;

      g_test_message ("%s", lines[i]);
      g_assert_false (parse (&options, lines[i], &error));
      g_assert_nonnull (error);
      g_assert_null (strstr (error->message, "secret"));
    }
}

static void
test_server_is_the_environment_s_unless_there_is_an_option (void)
{
  g_auto (FerryHostOptions) options = {0};
  g_auto (FerryHostOptions) other = {0};
  g_autoptr (GError) error = NULL;

  g_setenv (FERRY_HOST_SERVER_VARIABLE, "nats://alpha:secret@a:1", TRUE);
  parse (&options, "ferry-host p", &error);
  g_assert_no_error (error);
  g_assert_cmpstr (options.server, ==, "nats://alpha:secret@a:1");
  parse (&other, "ferry-host --server nats://a:1,nats://alpha@b:2,nats://[::1]:4222 p", &error);
  g_assert_no_error (error);
  g_assert_cmpstr (other.server, ==, "nats://a:1,nats://alpha@b:2,nats://[::1]:4222");
  g_unsetenv (FERRY_HOST_SERVER_VARIABLE);
}

static void
test_pattern_chooses_functions (void)
{
  g_auto (FerryHostOptions) options = {0};
  g_autoptr (GVariant) functions =
    g_variant_ref_sink (g_variant_new_parsed ("[('thumb', 's', 'ay'), ('thumb-large', 's', 'ay'), ('rot', '*', '')]"));
  g_auto (GStrv) chosen = NULL;
  g_autofree char *text = NULL;

  g_assert_true (parse (&options, "ferry-host --functions 'thumb*' p", NULL));
  chosen = ferry_host_options_filter (&options, functions, NULL);
  text = g_strjoinv (" ", chosen);
  g_assert_cmpstr (text, ==, "thumb thumb-large");
}

static void
test_no_function_is_left_out_silently (void)
{
  g_auto (FerryHostOptions) options = {0};
  g_autoptr (GVariant) functions = NULL;
  g_autoptr (GError) error = NULL;
  GVariantBuilder builder;

  g_variant_builder_init (&builder, G_VARIANT_TYPE ("a(sss)"));
  for (guint i = 0; i <= FERRY_MAX_HOST_FUNCTIONS; i++)
    {
      g_autofree char *name = g_strdup_printf ("f%u", i);

      g_variant_builder_add (&builder, "(sss)", name, "", "");
    }
  functions = g_variant_ref_sink (g_variant_builder_end (&builder));
  g_assert_true (parse (&options, "ferry-host p", NULL));
  g_assert_null (ferry_host_options_filter (&options, functions, &error));
  g_assert_error (error, FERRY_ERROR, FERRY_ERROR_TOO_LARGE);
  g_assert_true (g_str_has_prefix (error->message, "4097 functions of 'p' fit"));
}

/* ---- --metrics-file ---- */

static void
assert_line (const char *text, const char *line)
{
  g_autofree char *whole = g_strdup_printf ("\n%s\n", line);

  if (strstr (text, whole) == NULL)
    g_test_message ("'%s' is not in:\n%s", line, text);
  g_assert_nonnull (strstr (text, whole));
}

static FerryHostFacts alpha = {
  .name = (char *) "alpha",
  .ferry_version = (char *) "0.2.0",
  .program_version = (char *) "1.4",
  .n_workers = 1,
};

/* What a host would write that has tasks of these. */
static char *
describe_all (FerryHostMetrics *metrics)
{
  const FerryHostFigures figures = {.longest_wait = 1500000};

  return ferry_host_metrics_describe (metrics, &alpha, "demo", &figures, 1);
}

static void
add_hostile_names (FerryHostMetrics *metrics)
{
  ferry_host_metrics_find (metrics, "quote\" slash\\ line\nescape\033[2J \303\244", "alice/1", 5)->n_ended[0] = 3;
  ferry_host_metrics_find (metrics, "plain", "bob", 3)->run_time = 2500000;
}

static void
names_are_escaped (void)
{
  FerryHostMetrics metrics;
  g_autofree char *text = NULL;

  ferry_host_metrics_init (&metrics);
  add_hostile_names (&metrics);
  text = describe_all (&metrics);
  assert_line (text, "ferry_host_tasks_total{application=\"demo\",host=\"alpha\",function=\"quote\\\" slash\\\\ "
                     "line\\nescape?[2J \303\244\",user=\"alice\",result=\"done\"} 3");
  assert_line (text, "ferry_host_task_run_seconds_sum{application=\"demo\",host=\"alpha\",function=\"plain\","
                     "user=\"bob\"} 2.5");
  assert_line (text, "ferry_host_longest_wait_seconds{application=\"demo\",host=\"alpha\"} 1.5");
  ferry_host_metrics_clear (&metrics);
}

static void
no_more_names_are_kept_than_are_allowed (void)
{
  FerryHostMetrics metrics;
  FerryHostTally *first, *other;

  ferry_host_metrics_init (&metrics);
  first = ferry_host_metrics_find (&metrics, "function-0", "user", 4);
  for (guint i = 0; i < 10 * FERRY_HOST_MAX_COUNTED; i++)
    {
      g_autofree char *function = g_strdup_printf ("function-%u", i);

      ferry_host_metrics_find (&metrics, function, "user", 4)->n_ended[0]++;
    }
  other = ferry_host_metrics_find (&metrics, "one more", "user", 4);
  g_assert_cmpstr (other->function, ==, "other");
  g_assert_cmpstr (other->user, ==, "other");
  g_assert_cmpuint (other->n_ended[0], ==, 9 * FERRY_HOST_MAX_COUNTED);
  g_assert_true (ferry_host_metrics_find (&metrics, "function-0", "user and more", 4) == first);
  g_assert_cmpuint (g_hash_table_size (metrics.tallies), ==, FERRY_HOST_MAX_COUNTED + 1);
  ferry_host_metrics_clear (&metrics);
}

/* ---- the checkers of others ---- */

/* Runs a program with text as its standard input. */
static void
assert_accepts (const char *const *arguments, const char *text)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GSubprocess) process = g_subprocess_newv (
    arguments, G_SUBPROCESS_FLAGS_STDIN_PIPE | G_SUBPROCESS_FLAGS_STDOUT_PIPE | G_SUBPROCESS_FLAGS_STDERR_MERGE,
    &error);
  g_autofree char *said = NULL;

  g_assert_no_error (error);
  g_subprocess_communicate_utf8 (process, text, NULL, &said, NULL, &error);
  g_assert_no_error (error);
  g_test_message ("%s says: %s", arguments[0], said);
  g_assert_true (g_subprocess_get_successful (process));
}

static gboolean
has_program (const char *name)
{
  g_autofree char *path = g_find_program_in_path (name);

  return path != NULL;
}

/* (nullable): a Python that has the parser. The first one need not be that of the system, which has its packages. */
static const char *
find_parser (void)
{
  static const char *const interpreters[] = {"python3", "/usr/bin/python3"};

  for (guint i = 0; i < G_N_ELEMENTS (interpreters); i++)
    {
      g_autoptr (GSubprocess) process = has_program (interpreters[i])
                                          ? g_subprocess_new (G_SUBPROCESS_FLAGS_STDERR_SILENCE, NULL, interpreters[i],
                                                              "-c", "import prometheus_client", NULL)
                                          : NULL;

      if (process != NULL && g_subprocess_wait_check (process, NULL, NULL))
        return interpreters[i];
    }
  return NULL;
}

static void
checkers_of_others_accept_it (void)
{
  static const char *const promtool[] = {"promtool", "check", "metrics", NULL};
  const char *parser[] = {find_parser (), "-c",
                          "import sys; from prometheus_client.parser import text_fd_to_metric_families as read; "
                          "sys.exit(len(list(read(sys.stdin))) < 10)",
                          NULL};
  FerryHostMetrics metrics;
  g_autofree char *text = NULL;

  if (!has_program ("promtool") && parser[0] == NULL)
    {
      g_test_skip ("there is neither promtool nor Python's prometheus_client");
      return;
    }
  ferry_host_metrics_init (&metrics);
  add_hostile_names (&metrics);
  for (guint i = 0; i <= FERRY_HOST_MAX_COUNTED; i++)
    {
      g_autofree char *function = g_strdup_printf ("function-%u", i);

      ferry_host_metrics_find (&metrics, function, "user", 4);
    }
  text = describe_all (&metrics);
  if (has_program ("promtool"))
    assert_accepts (promtool, text);
  if (parser[0] != NULL)
    assert_accepts (parser, text);
  ferry_host_metrics_clear (&metrics);
}

/* ---- the file ---- */

typedef struct
{
  char *folder;
  char *path;
} File;

static void
file_init (File *self)
{
  self->folder = g_dir_make_tmp ("ferry-metrics-XXXXXX", NULL);
  self->path = g_build_filename (self->folder, "alpha.prom", NULL);
}

/* Nothing is left beside it. */
static void
file_clear (File *self)
{
  g_remove (self->path);
  g_assert_cmpint (g_rmdir (self->folder), ==, 0);
  g_free (self->folder);
  g_free (self->path);
}

static void
assert_content (const File *file, const char *beginning)
{
  g_autofree char *content = NULL;

  g_assert_true (g_file_get_contents (file->path, &content, NULL, NULL));
  g_assert_true (g_str_has_prefix (content, beginning));
}

static void
assert_refused (const char *path, const char *host, const char *words)
{
  g_autoptr (GError) error = NULL;

  g_assert_false (ferry_host_metrics_write_file (path, "demo", host, "text\n", &error));
  g_assert_error (error, FERRY_ERROR, FERRY_ERROR_BAD_ARGUMENTS);
  g_assert_nonnull (strstr (error->message, path));
  g_assert_nonnull (strstr (error->message, words));
}

/* Writes what a host writes. */
static void
write_file (const File *file)
{
  FerryHostMetrics metrics;
  g_autofree char *text = NULL;
  g_autoptr (GError) error = NULL;

  ferry_host_metrics_init (&metrics);
  text = describe_all (&metrics);
  ferry_host_metrics_write_file (file->path, "demo", "alpha", text, &error);
  g_assert_no_error (error);
  ferry_host_metrics_clear (&metrics);
}

static void
a_file_is_replaced_as_a_whole_and_removed (void)
{
  mode_t mask = umask (0077);
  struct stat first, second;
  File file;

  file_init (&file);
  write_file (&file);
  g_assert_cmpint (stat (file.path, &first), ==, 0);
  /* Others are to read it, whatever the mask of the host is. */
  g_assert_cmpint (first.st_mode & 0777, ==, 0644);
  write_file (&file);
  g_assert_cmpint (stat (file.path, &second), ==, 0);
  g_assert_cmpuint (first.st_ino, !=, second.st_ino);
  assert_content (&file, "# ferry-host: metrics of host 'alpha' of the application 'demo'\n");
  ferry_host_metrics_remove_file (file.path, "demo", "alpha");
  g_assert_false (g_file_test (file.path, G_FILE_TEST_EXISTS));
  file_clear (&file);
  umask (mask);
}

static void
a_file_of_somebody_else_stays (void)
{
  File file;

  file_init (&file);
  g_assert_true (g_file_set_contents (file.path, "my notes\n", -1, NULL));
  assert_refused (file.path, "alpha", "was not written by ferry-host, and is not replaced");
  ferry_host_metrics_remove_file (file.path, "demo", "alpha");
  assert_content (&file, "my notes\n");
  /* As somebody makes it beforehand who gives it an owner. */
  g_assert_true (g_file_set_contents (file.path, "", 0, NULL));
  write_file (&file);
  assert_refused (file.path, "beta", "another host writes this file");
  assert_content (&file, "# ferry-host: ");
  file_clear (&file);
}

static void
what_is_no_file_is_refused (void)
{
  g_autofree char *target = NULL;
  g_autofree char *missing = NULL;
  g_autoptr (GError) error = NULL;
  File file;

  file_init (&file);
  target = g_build_filename (file.folder, "target", NULL);
  missing = g_build_filename (file.folder, "none", "alpha.prom", NULL);
  g_assert_cmpint (mkfifo (file.path, 0600), ==, 0);
  assert_refused (file.path, "alpha", "no regular file");
  g_remove (file.path);
  g_assert_cmpint (symlink (target, file.path), ==, 0);
  assert_refused (file.path, "alpha", "no regular file");
  assert_refused (target, "alpha", "must end in '.prom'");
  g_assert_false (g_file_test (target, G_FILE_TEST_EXISTS));
  g_assert_false (ferry_host_metrics_write_file (missing, "demo", "alpha", "text\n", &error));
  g_assert_error (error, FERRY_ERROR, FERRY_ERROR_SYSTEM);
  file_clear (&file);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/host-options/program-is-enough", test_program_is_enough);
  g_test_add_func ("/host-options/name-of-the-program-becomes-a-token", test_name_of_the_program_becomes_a_token);
  g_test_add_func ("/host-options/arguments-of-the-program-are-its-own", test_arguments_of_the_program_are_its_own);
  g_test_add_func ("/host-options/all-options-are-read", test_all_options_are_read);
  g_test_add_func ("/host-options/status-needs-no-program", test_status_needs_no_program);
  g_test_add_func ("/host-options/wrong-options-are-told", test_wrong_options_are_told);
  g_test_add_func ("/host-options/server-is-the-environment-s-unless-there-is-an-option",
                   test_server_is_the_environment_s_unless_there_is_an_option);
  g_test_add_func ("/host-options/pattern-chooses-functions", test_pattern_chooses_functions);
  g_test_add_func ("/host-options/no-function-is-left-out-silently", test_no_function_is_left_out_silently);
  g_test_add_func ("/host-options/metrics/names-are-escaped", names_are_escaped);
  g_test_add_func ("/host-options/metrics/no-more-names-are-kept-than-are-allowed",
                   no_more_names_are_kept_than_are_allowed);
  g_test_add_func ("/host-options/metrics/checkers-of-others-accept-it", checkers_of_others_accept_it);
  g_test_add_func ("/host-options/metrics/a-file-is-replaced-as-a-whole-and-removed",
                   a_file_is_replaced_as_a_whole_and_removed);
  g_test_add_func ("/host-options/metrics/a-file-of-somebody-else-stays", a_file_of_somebody_else_stays);
  g_test_add_func ("/host-options/metrics/what-is-no-file-is-refused", what_is_no_file_is_refused);
  return g_test_run ();
}
