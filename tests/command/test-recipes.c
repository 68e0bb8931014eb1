/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: command-worker/command-recipes.c
 *
 * Commands that an operator has written, as applications ask for them. */

#include "config.h"

#include <gio/gio.h>
#include <glib/gstdio.h>
#include <string.h>

#include "command/command-test.h"
#include "ferry-test.h"

typedef struct
{
  char *folder;            /* (owned) */
  char *path;              /* (owned): of the recipes */
  FerryRouter *router;     /* (owned) */
  FerryExecutor *executor; /* (owned) */
} Scene;

static char *
get_program (void)
{
  return g_test_build_filename (G_TEST_BUILT, "..", "command-worker", "ferry-command", NULL);
}

static void
write_recipes (Scene *scene, const char *recipes)
{
  g_autoptr (GError) error = NULL;

  scene->folder = g_dir_make_tmp ("ferry-recipes-XXXXXX", &error);
  g_assert_no_error (error);
  scene->path = g_build_filename (scene->folder, "recipes.conf", NULL);
  g_file_set_contents (scene->path, recipes, -1, &error);
  g_assert_no_error (error);
}

static Scene *
scene_new (const char *recipes)
{
  Scene *scene = g_new0 (Scene, 1);
  g_autofree char *program = get_program ();
  g_autoptr (FerryLauncher) launcher = NULL;
  g_autoptr (FerryPool) pool = NULL;
  g_autoptr (GError) error = NULL;

  write_recipes (scene, recipes);
  launcher = ferry_launcher_new ((const char *const[]){program, "--recipes", scene->path, NULL});
  scene->router = ferry_router_new (NULL);
  g_assert_true (ferry_router_start (scene->router, &error));
  pool = ferry_pool_new (scene->router, launcher);
  ferry_pool_set_max_workers (pool, 1);
  /* What runs makes its files here. */
  ferry_launcher_setenv (launcher, "TMPDIR", scene->folder);
  scene->executor = ferry_executor_new (pool);
  return scene;
}

static void
scene_free (Scene *scene)
{
  if (scene->executor != NULL)
    {
      g_autoptr (GError) error = NULL;

      g_clear_object (&scene->executor);
      g_assert_true (ferry_router_stop (scene->router, &error));
      g_clear_object (&scene->router);
    }
  g_assert_cmpint (g_unlink (scene->path), ==, 0);
  /* Fails where a run has left something. */
  g_assert_cmpint (g_rmdir (scene->folder), ==, 0);
  g_free (scene->path);
  g_free (scene->folder);
  g_free (scene);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC (Scene, scene_free)

static FerryTask *
ask (Scene *scene, const char *recipe, const char *key, GVariant *value)
{
  g_auto (GVariantDict) arguments = G_VARIANT_DICT_INIT (NULL);
  g_autoptr (GError) error = NULL;
  FerryTask *task;

  if (key != NULL)
    g_variant_dict_insert_value (&arguments, key, value);
  task = ferry_task_new (FERRY_TASK_KIND_PROGRESS, recipe, g_variant_dict_end (&arguments));
  g_assert_true (ferry_executor_submit_task (scene->executor, task, &error));
  g_assert_no_error (error);
  return task;
}

static FerryTask *
ask_with (Scene *scene, const char *recipe, const char *input)
{
  return ask (scene, recipe, "input",
              g_variant_new_from_data (G_VARIANT_TYPE_BYTESTRING, input, strlen (input), TRUE, NULL, NULL));
}

static void
a_place_is_the_file_of_the_input (void)
{
  g_autoptr (Scene) scene = scene_new ("[count]\nargv=['wc', '-c', '{input.txt}']\n");
  g_autoptr (FerryTask) task = ask_with (scene, "count", "seven by");
  g_autofree char *output = command_test_wait_output (task);

  g_assert_true (g_str_has_prefix (output, "8 "));
  g_assert_nonnull (strstr (output, "/input.txt\n"));
}

static void
a_recipe_is_to_the_kernel_as_the_host (void)
{
  g_autoptr (Scene) scene = scene_new ("[score]\nargv=['cat', '/proc/self/oom_score_adj']\n");
  g_autoptr (FerryTask) task = ask (scene, "score", NULL, NULL);
  g_autofree char *output = command_test_wait_output (task);
  g_autofree char *score = NULL;

  g_assert_true (g_file_get_contents ("/proc/self/oom_score_adj", &score, NULL, NULL));
  g_assert_cmpstr (output, ==, score);
}

static void
input_without_a_place_is_the_standard_input (void)
{
  g_autoptr (Scene) scene = scene_new ("[upper]\nargv=['tr', 'a-z', 'A-Z']\n");
  g_autoptr (FerryTask) task = ask_with (scene, "upper", "quiet $(id) {input}\n");
  g_autofree char *output = command_test_wait_output (task);

  g_assert_cmpstr (output, ==, "QUIET $(ID) {INPUT}\n");
}

static void
what_stands_in_the_place_of_the_output_is_the_result (void)
{
  g_autoptr (Scene) scene = scene_new ("[sort]\nargv=['sort', '--output={output}', '{input}']\nprogress='none'\n");
  g_autoptr (FerryTask) task = ask_with (scene, "sort", "b\na\n");
  g_autofree char *output = command_test_wait_output (task);

  g_assert_cmpstr (output, ==, "a\nb\n");
}

static void
an_output_that_was_not_made_is_an_error (void)
{
  g_autoptr (Scene) scene = scene_new ("[nothing]\nargv=['true', '{output.png}']\n");
  g_autoptr (FerryTask) task = ask (scene, "nothing", NULL, NULL);
  const GError *error = command_test_wait_failed (task, G_FILE_ERROR, G_FILE_ERROR_NOENT);

  ferry_test_assert_says (error->message, "The recipe 'nothing' did not make its file {output.png}");
}

static void
an_output_beyond_the_limit_is_an_error (void)
{
  g_autoptr (Scene) scene =
    scene_new ("[much]\nargv=['dd', 'if=/dev/zero', 'of={output}', 'bs=1000', 'count=5']\noutput-limit=4096\n");
  g_autoptr (FerryTask) task = ask (scene, "much", NULL, NULL);
  const GError *error = command_test_wait_failed (task, G_IO_ERROR, G_IO_ERROR_MESSAGE_TOO_LARGE);

  ferry_test_assert_says (error->message, "a file of 5000 bytes, and returns at most 4096");
}

static void
a_command_that_fails_leaves_no_file (void)
{
  g_autoptr (Scene) scene =
    scene_new ("[half]\nargv=['sh', '-c', 'mkdir -p ${0}s/more; echo half >$0; exit 3', '{output}']\n");
  g_autoptr (FerryTask) task = ask_with (scene, "half", "some");

  command_test_wait_failed (task, G_SPAWN_EXIT_ERROR, 3);
}

static void
nothing_but_input_is_taken (void)
{
  g_autoptr (Scene) scene = scene_new ("[list]\nargv=['ls']\n");
  g_autoptr (FerryTask) arguments =
    ask (scene, "list", "argv", g_variant_new_strv ((const char *const[]){"id", NULL}, -1));
  g_autoptr (FerryTask) text = ask (scene, "list", "input", g_variant_new_int32 (0));
  const GError *error = command_test_wait_failed (arguments, FERRY_ERROR, FERRY_ERROR_BAD_ARGUMENTS);

  ferry_test_assert_says (error->message, "The recipe 'list' takes nothing but 'input'");
  command_test_wait_failed (text, FERRY_ERROR, FERRY_ERROR_BAD_ARGUMENTS);
}

static void
other_commands_are_no_functions (void)
{
  g_autoptr (Scene) scene = scene_new ("[list]\nargv=['ls']\n");
  g_autoptr (FerryTask) task =
    ask (scene, "command", "argv", g_variant_new_strv ((const char *const[]){"id", NULL}, -1));

  command_test_wait_failed (task, FERRY_ERROR, FERRY_ERROR_UNKNOWN_FUNCTION);
}

static void
a_recipe_that_needs_an_input_says_so (void)
{
  g_autoptr (Scene) scene = scene_new ("[count]\nargv=['wc', '-c', '{input}']\n");
  g_autoptr (FerryTask) task = ask (scene, "count", NULL, NULL);
  const GError *error = command_test_wait_failed (task, FERRY_ERROR, FERRY_ERROR_BAD_ARGUMENTS);

  ferry_test_assert_says (error->message, "The recipe 'count' needs 'input'");
}

typedef struct
{
  const char *recipes;
  const char *words;
} Fault;

static const Fault faults[] = {
  {"[a]\nargv=['ls',\n", "The value ['ls', of 'argv': 6:expected value"},
  {"[a]\nprogress='percent'\n", "The recipe 'a' has no 'argv'"},
  {"[a]\nargv=['ls']\nspeed=3\n", "The recipe 'a': A command has no property 'speed'"},
  {"[a]\nargv=['ls']\nprogress='percents'\n", "There is no progress 'percents'"},
  {"[a]\nargv=['ls']\noutput-limit='x'\n", "The value 'x' of 'output-limit'"},
  {"[a]\nargv=['cp', '{input.a}', '{input.b}']\n", "has the places {input.a} and {input.b}"},
  {"argv=['ls']\n", "cannot be read"},
};

static void
what_is_wrong_with_recipes_is_said_at_the_start (void)
{
  g_autofree char *program = get_program ();

  for (guint i = 0; i < G_N_ELEMENTS (faults); i++)
    {
      g_autoptr (Scene) scene = g_new0 (Scene, 1);
      g_autoptr (GSubprocess) process = NULL;
      g_autofree char *words = NULL;
      g_autoptr (GError) error = NULL;

      write_recipes (scene, faults[i].recipes);
      process = ferry_test_start ((const char *const[]){program, "--recipes", scene->path, NULL},
                                  G_SUBPROCESS_FLAGS_STDERR_PIPE);
      g_assert_true (g_subprocess_communicate_utf8 (process, NULL, NULL, NULL, &words, &error));
      g_assert_no_error (error);
      g_assert_cmpint (g_subprocess_get_exit_status (process), ==, 1);
      ferry_test_assert_says (words, faults[i].words);
    }
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/recipes/a-place-is-the-file-of-the-input", a_place_is_the_file_of_the_input);
  g_test_add_func ("/recipes/a-recipe-is-to-the-kernel-as-the-host", a_recipe_is_to_the_kernel_as_the_host);
  g_test_add_func ("/recipes/input-without-a-place-is-the-standard-input", input_without_a_place_is_the_standard_input);
  g_test_add_func ("/recipes/what-stands-in-the-place-of-the-output-is-the-result",
                   what_stands_in_the_place_of_the_output_is_the_result);
  g_test_add_func ("/recipes/an-output-that-was-not-made-is-an-error", an_output_that_was_not_made_is_an_error);
  g_test_add_func ("/recipes/an-output-beyond-the-limit-is-an-error", an_output_beyond_the_limit_is_an_error);
  g_test_add_func ("/recipes/a-command-that-fails-leaves-no-file", a_command_that_fails_leaves_no_file);
  g_test_add_func ("/recipes/nothing-but-input-is-taken", nothing_but_input_is_taken);
  g_test_add_func ("/recipes/other-commands-are-no-functions", other_commands_are_no_functions);
  g_test_add_func ("/recipes/a-recipe-that-needs-an-input-says-so", a_recipe_that_needs_an_input_says_so);
  g_test_add_func ("/recipes/what-is-wrong-with-recipes-is-said-at-the-start",
                   what_is_wrong_with_recipes_is_said_at_the_start);

  return g_test_run ();
}
