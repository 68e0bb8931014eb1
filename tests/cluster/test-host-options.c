/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: cluster/ferry-host-options.c */

#include "config.h"

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
  return g_test_run ();
}
