/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: demo-app/app/ferry-demo-auto.c, demo-app/app/ferry-demo.c
 *
 * The demo as a whole: the real program on a real display, without a user at the mouse. */

#include "config.h"

#include "demo-test.h"
#include "picture-test.h"

#include <glib/gstdio.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#define PNG_HEAD "\x89PNG\r\n\x1a\n\0\0\0\rIHDR"
#define PNG_HEAD_SIZE 16

/* The run's exit status must be that one, and no worker may be left. */
static DemoRun *
run_demo (int status, const char *setting, const char *const *arguments)
{
  DemoRun *run = demo_test_start (setting, arguments);

  demo_test_finish (run);
  if (!g_subprocess_get_if_exited (run->process) || g_subprocess_get_exit_status (run->process) != status)
    g_error ("The demo ended with wait status %x, not %d: %s", g_subprocess_get_status (run->process), status,
             run->errors);
  demo_test_wait_workers (0);
  return run;
}

#define RUN_DEMO(status, setting, ...) run_demo (status, setting, (const char *const[]){__VA_ARGS__, NULL})

static void
assert_has (const char *text, const char *part)
{
  if (strstr (text, part) == NULL)
    g_error ("'%s' is not in '%s'", part, text);
}

/* What sha256sum has to say about the regular files below path. */
static char *
ask_sha256sum (const char *path)
{
  const char *argv[] = {"/bin/sh", "-c", "find \"$1\" -type f -print0 | LC_ALL=C sort -z | xargs -0 -r sha256sum",
                        "sh",      path, NULL};
  g_autoptr (GError) error = NULL;
  char *listing = NULL;
  int status;

  g_spawn_sync (NULL, (char **) argv, NULL, G_SPAWN_DEFAULT, NULL, NULL, &listing, NULL, &status, &error);
  g_assert_no_error (error);
  g_spawn_check_wait_status (status, &error);
  g_assert_no_error (error);
  return listing;
}

/* Listing first, and then a line that sums up. */
static void
assert_digests (const char *path, guint n_files)
{
  g_autofree char *job = g_strconcat ("sha256:", path, NULL);
  g_autofree char *listing = ask_sha256sum (path);
  g_autofree char *sum = g_strdup_printf ("%u files, ", n_files);
  g_autoptr (DemoRun) run = RUN_DEMO (0, NULL, "--auto", job);

  g_assert_cmpstr (run->errors, ==, "");
  g_assert_true (g_str_has_prefix (run->output, listing));
  g_assert_true (g_str_has_prefix (run->output + strlen (listing), sum));
}

static char *
make_odd_folder (void)
{
  static const char *const names[] = {
    "plain", " ",     "two  words ", "back\\slash",   "line\nend", "carriage\rreturn",
    "\\n",   "tab\t", "non\xffutf8", "\xfe\\\n",      "ümläut",    "-dash",
    "*",     "%s%n",  "inner/below", "inner/.hidden",
  };
  char *folder = demo_test_folder_new ();
  g_autofree char *inner = g_build_filename (folder, "inner", NULL);
  g_autofree char *barren = g_build_filename (folder, "nothing in it", NULL);
  g_autofree char *link = g_build_filename (folder, "link", NULL);
  g_autofree char *loop = g_build_filename (inner, "loop", NULL);
  g_autofree char *dangling = g_build_filename (folder, "dangling", NULL);
  g_autofree char *large = g_strnfill (1000000, 'x');

  g_assert_no_errno (g_mkdir (inner, 0700));
  g_assert_no_errno (g_mkdir (barren, 0700));
  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    demo_test_write (folder, names[i], names[i]);
  demo_test_write (folder, "empty", "");
  demo_test_write (folder, "large", large);
  g_assert_no_errno (symlink ("plain", link));
  g_assert_no_errno (symlink ("..", loop));
  g_assert_no_errno (symlink ("nowhere", dangling));
  g_assert_cmpuint (G_N_ELEMENTS (names), ==, 16);
  return folder;
}

static void
test_digests_equal_sha256sum (void)
{
  g_autofree char *inner = NULL;
  g_autofree char *with_slash = NULL;
  char *folder;

  if (!demo_test_has_display ())
    return;
  folder = make_odd_folder ();
  inner = g_build_filename (folder, "inner", NULL);
  with_slash = g_strconcat (inner, "/", NULL);

  assert_digests (folder, 18);
  assert_digests (with_slash, 2);
  demo_test_folder_remove (folder);
}

static void
test_digest_of_nothing (void)
{
  g_autofree char *job = NULL;
  g_autofree char *expected = NULL;
  g_autoptr (DemoRun) run = NULL;
  char *folder;

  if (!demo_test_has_display ())
    return;
  folder = demo_test_folder_new ();
  job = g_strconcat ("sha256:", folder, NULL);
  expected = g_strdup_printf ("0 files, 0 bytes in %s\n", folder);
  run = RUN_DEMO (0, NULL, "--auto", job);
  g_assert_cmpstr (run->output, ==, expected);
  demo_test_folder_remove (folder);
}

static void
test_primes (void)
{
  g_autoptr (DemoRun) run = NULL;

  if (!demo_test_has_display ())
    return;
  run = RUN_DEMO (0, NULL, "--auto", "primes:3000000", "primes:2", "primes:100");
  assert_has (run->output, "216816 primes up to 3000000\n");
  assert_has (run->output, "1 primes up to 2\n");
  assert_has (run->output, "25 primes up to 100\n");
}

static void
test_crash (void)
{
  g_autoptr (DemoRun) run = NULL;

  if (!demo_test_has_display ())
    return;
  run = RUN_DEMO (0, NULL, "--auto", "crash");
  g_assert_true (g_str_has_prefix (run->output, "crash: "));
  assert_has (run->output, "(signal 11)\n");
}

static void
test_hang (void)
{
  g_autoptr (DemoRun) run = NULL;

  if (!demo_test_has_display ())
    return;
  run = RUN_DEMO (0, NULL, "--auto", "hang");
  g_assert_true (g_str_has_prefix (run->output, "hang: cancelled after "));
}

static void
test_flood (void)
{
  g_autoptr (DemoRun) run = NULL;

  if (!demo_test_has_display ())
    return;
  run = RUN_DEMO (0, NULL, "--auto", "flood:200000", "flood:1");
  assert_has (run->output, "flood: 200000 messages, complete and in order, ");
  assert_has (run->output, "flood: 1 messages, complete and in order, ");
}

static void
test_all_together (void)
{
  g_autofree char *job = NULL;
  g_autofree char *listing = NULL;
  g_autoptr (DemoRun) run = NULL;
  char *folder;

  if (!demo_test_has_display ())
    return;
  folder = make_odd_folder ();
  job = g_strconcat ("sha256:", folder, NULL);
  listing = ask_sha256sum (folder);
  run = RUN_DEMO (0, NULL, "--auto", job, "primes:3000000", "crash", "hang", "flood:200000");
  /* What the worker that crashes has to say is passed on, and that is all. */
  assert_has (run->errors, "Writing where nothing may be written\n");
  g_assert_null (strstr (run->errors, "ferry-demo: "));
  assert_has (run->output, listing);
  assert_has (run->output, "216816 primes up to 3000000\n");
  assert_has (run->output, "(signal 11)\n");
  assert_has (run->output, "hang: cancelled after ");
  assert_has (run->output, "flood: 200000 messages, complete and in order, ");
  demo_test_folder_remove (folder);
}

/* Jobs that find no worker free wait for one: a hang holds the only one up until it is cancelled. The next worker
 * starts while the process of the hang still ends, so the line of the hang may come before or after those of the later
 * jobs. */
static void
test_one_worker_does_all (void)
{
  g_autoptr (DemoRun) run = NULL;
  const char *primes, *flood;

  if (!demo_test_has_display ())
    return;
  run = RUN_DEMO (0, NULL, "--auto", "--workers", "1", "crash", "hang", "primes:100", "flood:1000");
  g_assert_true (g_str_has_prefix (run->output, "crash: "));
  assert_has (run->output, "\nhang: cancelled after ");
  primes = strstr (run->output, "\n25 primes up to 100\n");
  flood = strstr (run->output, "\nflood: 1000 messages, complete and in order, ");
  g_assert_nonnull (primes);
  g_assert_nonnull (flood);
  g_assert_true (primes < flood);
}

static void
test_bad_command_lines (void)
{
  static const char *const lines[][4] = {
    {"--auto"},
    {"nonsense"},
    {"--auto", "nonsense"},
    {"--auto", "primes:100", "primes:1"},
    {"--auto", "primes:many"},
    {"--auto", "crash:now"},
    {"--auto", "flood:endless"},
    {"--auto", "flood:0"},
    {"--auto", ""},
    {"--workers", "17"},
    {"--workers=0"},
    {"--size", "3"},
    {"--workers", "-1"},
    {"--workers", "3", "flood:0"},
    {"--page", "moon"},
  };

  for (guint i = 0; i < G_N_ELEMENTS (lines); i++)
    {
      g_autoptr (DemoRun) run = run_demo (2, NULL, lines[i]);

      g_assert_cmpstr (run->output, ==, "");
      g_assert_true (g_str_has_prefix (run->errors, "ferry-demo: "));
    }
  demo_test_run_free (RUN_DEMO (2, NULL, "--nonsense"));
}

/* What the start asks for has the window that is open come to have so many workers. */
static void
hand_over (const char *const *arguments, guint n_workers)
{
  g_autoptr (DemoRun) run = demo_test_start (NULL, arguments);

  demo_test_finish (run);
  g_assert_cmpint (g_subprocess_get_exit_status (run->process), ==, 0);
  demo_test_wait_workers (n_workers);
}

/* The first start has two jobs, the second one's page has two workers, and the third start's jobs show the page of
 * tasks in its place. */
static void
test_later_starts_hand_their_options_over (void)
{
  static const char *const jobs[] = {"--workers=2", "flood:endless", "hang", NULL},
                           *const page[] = {"--page=robust", NULL},
                           *const more[] = {"--workers=5", "hang", "hang", "hang", NULL};
  g_autofree char *daemon = g_find_program_in_path ("dbus-daemon");
  g_autofree char *display = g_strdup (g_getenv ("DISPLAY"));
  g_autoptr (GTestDBus) bus = NULL;
  g_autoptr (DemoRun) first = NULL;

  if (!demo_test_has_display ())
    return;
  if (daemon == NULL || display == NULL)
    {
      g_test_skip ("There is no dbus-daemon, or no X server");
      return;
    }
  /* A bus of a test takes the display away. */
  bus = g_test_dbus_new (G_TEST_DBUS_NONE);
  g_test_dbus_up (bus);
  g_setenv ("DISPLAY", display, TRUE);
  first = demo_test_start (NULL, jobs);
  demo_test_wait_workers (2);
  hand_over (page, 4);
  hand_over (more, 5);
  g_subprocess_send_signal (first->process, SIGTERM);
  demo_test_finish (first);
  demo_test_wait_workers (0);
  g_test_dbus_stop (bus);
}

static void
test_missing_folder (void)
{
  g_autoptr (DemoRun) run = NULL;

  if (!demo_test_has_display ())
    return;
  run = RUN_DEMO (1, NULL, "--auto", "primes:100", "sha256:/nonexistent/ferry");
  g_assert_cmpstr (run->output, ==, "25 primes up to 100\n");
  assert_has (run->errors, "/nonexistent/ferry");
}

/* The memory of a process cannot be read at its beginning, not even by root. */
static void
test_unreadable_file (void)
{
  g_autoptr (DemoRun) run = NULL;

  if (!demo_test_has_display ())
    return;
  run = RUN_DEMO (1, NULL, "--auto", "sha256:/proc/self/mem");
  g_assert_cmpstr (run->output, ==, "");
  assert_has (run->errors, "/proc/self/mem");
}

static void
test_unreadable_folder (void)
{
  g_autofree char *closed = NULL;
  g_autofree char *job = NULL;
  g_autoptr (DemoRun) run = NULL;
  char *folder;

  if (!demo_test_has_display ())
    return;
  if (geteuid () == 0)
    {
      g_test_skip ("Root may read every folder");
      return;
    }
  folder = demo_test_folder_new ();
  closed = g_build_filename (folder, "closed", NULL);
  job = g_strconcat ("sha256:", folder, NULL);
  demo_test_write (folder, "open", "open");
  g_assert_no_errno (g_mkdir (closed, 0));
  run = RUN_DEMO (1, NULL, "--auto", job);
  assert_has (run->errors, "closed");
  demo_test_folder_remove (folder);
}

static void
test_no_worker (void)
{
  static const char *const programs[] = {"/nonexistent/worker", "/bin/true", "/bin/false", "/"};

  if (!demo_test_has_display ())
    return;
  for (guint i = 0; i < G_N_ELEMENTS (programs); i++)
    {
      g_autofree char *setting = g_strconcat ("FERRY_DEMO_WORKER=", programs[i], NULL);
      g_autoptr (DemoRun) run = RUN_DEMO (1, setting, "--auto", "primes:100");

      g_assert_cmpstr (run->output, ==, "");
      assert_has (run->errors, "Failed");
    }
}

static guint
count_parts (const char *text, const char *part)
{
  guint n = 0;

  while ((text = strstr (text, part)) != NULL)
    {
      text += strlen (part);
      n++;
    }
  return n;
}

/* A worker that says what cannot be is ended for it, also when it will not go. */
static void
test_lies (void)
{
  g_autofree char *worker = ferry_test_build_path ("lying-worker");
  g_autofree char *setting = g_strconcat ("FERRY_DEMO_WORKER=", worker, NULL);
  g_autoptr (DemoRun) run = NULL;

  if (!demo_test_has_display ())
    return;
  run = RUN_DEMO (1, setting, "--auto", "--workers", "12", "sha256:type", "sha256:digest", "sha256:nameless",
                  "sha256:kind", "sha256:flood", "sha256:problem", "sha256:result", "sha256:result-type", "flood:1",
                  "flood:2", "flood:3", "flood:4");
  g_assert_cmpstr (run->output, ==, "");
  g_assert_cmpuint (count_parts (run->errors, "Failed: The worker sent "), ==, 12);
}

/* data is the signal. */
static void
test_ended_in_the_middle (gconstpointer data)
{
  const char *const arguments[] = {"--auto", "--workers", "3", "flood:1000000000000", "primes:100000000000",
                                   "hang",   NULL};
  g_autoptr (DemoRun) run = NULL;

  if (!demo_test_has_display ())
    return;
  run = demo_test_start (NULL, arguments);
  demo_test_wait_workers (3);
  g_subprocess_send_signal (run->process, GPOINTER_TO_INT (data));
  demo_test_finish (run);
  demo_test_wait_workers (0);
}

/* A picture that cannot be shown is told of, and no failure; a folder that cannot be read is one. */
static void
test_pictures (void)
{
  g_autofree char *expected = NULL;
  char *folder;

  if (!demo_test_has_display ())
    return;
  folder = demo_test_folder_new ();
  picture_test_write_many (folder, 30);
  picture_test_write_bomb (folder, "bomb.png");
  expected = g_strdup_printf ("31 pictures in %s, 1 cannot be shown\n", folder);
  {
    g_autoptr (DemoRun) run = RUN_DEMO (0, NULL, "--auto", "--pictures", folder);

    g_assert_nonnull (strstr (run->output, "/bomb.png: 60"));
    g_assert_true (g_str_has_suffix (run->output, expected));
  }
  {
    g_autoptr (DemoRun) run = RUN_DEMO (1, NULL, "--auto", "--pictures", "/nonexistent/pictures", "primes:100");

    g_assert_cmpstr (run->output, ==, "25 primes up to 100\n");
    g_assert_nonnull (strstr (run->errors, "/nonexistent/pictures"));
  }
  demo_test_folder_remove (folder);
}

static guint32
get_number (const char *bytes)
{
  guint32 number;

  memcpy (&number, bytes, sizeof number);
  return GUINT32_FROM_BE (number);
}

static void
assert_picture (const char *path)
{
  g_autofree char *bytes = NULL;
  g_autoptr (GError) error = NULL;
  gsize size;

  g_file_get_contents (path, &bytes, &size, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (size, >, 4096);
  g_assert_cmpmem (bytes, PNG_HEAD_SIZE, PNG_HEAD, PNG_HEAD_SIZE);
  g_assert_cmpuint (get_number (bytes + PNG_HEAD_SIZE), >=, 600);
  g_assert_cmpuint (get_number (bytes + PNG_HEAD_SIZE), <=, 3000);
  g_assert_cmpuint (get_number (bytes + PNG_HEAD_SIZE + 4), >=, 400);
  g_assert_cmpuint (get_number (bytes + PNG_HEAD_SIZE + 4), <=, 3000);
}

static void
test_picture (void)
{
  g_autofree char *path = NULL;
  char *folder;

  if (!demo_test_has_display ())
    return;
  folder = demo_test_folder_new ();
  path = g_build_filename (folder, "ä b.png", NULL);

  demo_test_run_free (RUN_DEMO (0, NULL, "--screenshot", path));
  assert_picture (path);
  g_assert_no_errno (g_remove (path));
  demo_test_run_free (RUN_DEMO (0, NULL, "--auto", "--screenshot", path, "flood:100000", "primes:3000000"));
  assert_picture (path);
  g_assert_no_errno (g_remove (path));
  demo_test_run_free (RUN_DEMO (1, NULL, "--auto", "--screenshot", path, "sha256:/nonexistent/ferry"));
  assert_picture (path);
  g_assert_no_errno (g_remove (path));
  picture_test_write_many (folder, 30);
  demo_test_run_free (RUN_DEMO (0, NULL, "--auto", "--screenshot", path, "--pictures", folder));
  assert_picture (path);
  demo_test_folder_remove (folder);
}

static void
test_picture_not_saved (void)
{
  g_autoptr (DemoRun) run = NULL;

  if (!demo_test_has_display ())
    return;
  run = RUN_DEMO (1, NULL, "--auto", "--screenshot", "/nonexistent/picture.png", "primes:100");
  g_assert_cmpstr (run->output, ==, "25 primes up to 100\n");
  assert_has (run->errors, "/nonexistent/picture.png");
}

static void
test_help (void)
{
  static const char *const parts[] = {"--auto", "--page", "--screenshot", "--version", "--workers",
                                      "sha256", "primes", "crash",        "hang",      "flood"};
  g_autoptr (DemoRun) help = RUN_DEMO (0, "DISPLAY", "--help");
  g_autoptr (DemoRun) version = RUN_DEMO (0, "DISPLAY", "--version");

  for (guint i = 0; i < G_N_ELEMENTS (parts); i++)
    assert_has (help->output, parts[i]);
  g_assert_cmpstr (version->output, ==, "ferry-demo " FERRY_PROJECT_VERSION "\n");
}

static void
test_no_display (void)
{
  g_autoptr (DemoRun) run = NULL;

  if (g_getenv ("WAYLAND_DISPLAY") != NULL)
    {
      g_test_skip ("There is a display that is not an X server's");
      return;
    }
  run = RUN_DEMO (1, "DISPLAY", "--auto", "primes:100");
  assert_has (run->errors, "There is no display");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  demo_test_init ();
  g_test_add_func ("/auto/help", test_help);
  g_test_add_func ("/auto/no-display", test_no_display);
  g_test_add_func ("/auto/bad-command-lines", test_bad_command_lines);
  g_test_add_func ("/auto/digests-equal-sha256sum", test_digests_equal_sha256sum);
  g_test_add_func ("/auto/digest-of-nothing", test_digest_of_nothing);
  g_test_add_func ("/auto/primes", test_primes);
  g_test_add_func ("/auto/crash", test_crash);
  g_test_add_func ("/auto/hang", test_hang);
  g_test_add_func ("/auto/flood", test_flood);
  g_test_add_func ("/auto/all-together", test_all_together);
  g_test_add_func ("/auto/one-worker-does-all", test_one_worker_does_all);
  g_test_add_func ("/auto/later-starts-hand-their-options-over", test_later_starts_hand_their_options_over);
  g_test_add_func ("/auto/missing-folder", test_missing_folder);
  g_test_add_func ("/auto/unreadable-file", test_unreadable_file);
  g_test_add_func ("/auto/unreadable-folder", test_unreadable_folder);
  g_test_add_func ("/auto/no-worker", test_no_worker);
  g_test_add_func ("/auto/lies", test_lies);
  g_test_add_data_func ("/auto/killed-in-the-middle", GINT_TO_POINTER (SIGKILL), test_ended_in_the_middle);
  g_test_add_data_func ("/auto/terminated-in-the-middle", GINT_TO_POINTER (SIGTERM), test_ended_in_the_middle);
  g_test_add_data_func ("/auto/interrupted-in-the-middle", GINT_TO_POINTER (SIGINT), test_ended_in_the_middle);
  g_test_add_func ("/auto/picture", test_picture);
  g_test_add_func ("/auto/pictures", test_pictures);
  g_test_add_func ("/auto/picture-not-saved", test_picture_not_saved);
  return g_test_run ();
}
