/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: command-worker/command-files.c, command-worker/command-place.c, command-worker/command-rights.c,
 *        command-worker/command-open.c
 *
 * Files that a command is said to write: nothing half done is left, and nothing that was there before is lost. */

#include "config.h"

#include <fcntl.h>
#include <gio/gio.h>
#include <glib/gstdio.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "command/command-test.h"
#include "ferry-test.h"

static GVariantDict *
new_options (const char *file, gboolean replaces)
{
  GVariantDict *options = g_variant_dict_new (NULL);
  const char *files[] = {file, NULL};

  g_variant_dict_insert_value (options, "output-files", g_variant_new_bytestring_array (files, -1));
  g_variant_dict_insert (options, "replace-output-files", "b", replaces);
  return options;
}

static void
write_earlier (CommandTest *test, const char *name)
{
  g_autofree char *path = command_test_path (test, name);

  g_assert_true (g_file_set_contents (path, "earlier", -1, NULL));
}

static void
assert_text (CommandTest *test, const char *name, const char *text)
{
  g_autofree char *found = command_test_read (test, name);

  g_assert_cmpstr (found, ==, text);
}

/* Asserts which names are in the folder, in their order; NULL for none. */
static void
assert_folder (CommandTest *test, const char *only)
{
  g_autoptr (GDir) folder = g_dir_open (test->folder, 0, NULL);
  const char *first = g_dir_read_name (folder);

  g_assert_cmpstr (first, ==, only);
  if (first != NULL)
    g_assert_cmpstr (g_dir_read_name (folder), ==, NULL);
}

static void
stay_when_the_command_succeeds (void)
{
  g_autoptr (CommandTest) test = command_test_new ();
  g_autoptr (FerryTask) task = command_test_submit_script (test, "echo new > out", new_options ("out", FALSE));
  g_autofree char *output = command_test_wait_output (task);

  assert_text (test, "out", "new\n");
}

static void
are_removed_when_the_command_fails (void)
{
  g_autoptr (CommandTest) test = command_test_new ();
  g_autoptr (FerryTask) task = command_test_submit_script (test, "echo half > out; exit 1", new_options ("out", FALSE));

  command_test_wait_failed (task, G_SPAWN_EXIT_ERROR, 1);
  assert_folder (test, NULL);
}

static void
are_removed_when_the_command_is_cancelled (void)
{
  g_autoptr (CommandTest) test = command_test_new ();
  g_autoptr (FerryTask) task =
    command_test_submit_script (test, "echo half > out; sleep 1000", new_options ("out", FALSE));

  command_test_wait_file (test, "out");
  ferry_task_cancel (task);
  command_test_wait_cancelled (task);
  assert_folder (test, NULL);
}

static void
are_removed_with_the_folder_that_they_are_in (void)
{
  g_autoptr (CommandTest) test = command_test_new ();
  g_autoptr (FerryTask) task = command_test_submit_script (
    test, "mkdir -p out/in; echo half > out/in/file; ln -s / out/in/link; exit 1", new_options ("out", FALSE));

  command_test_wait_failed (task, G_SPAWN_EXIT_ERROR, 1);
  assert_folder (test, NULL);
}

static void
stay_when_the_command_has_not_changed_them (void)
{
  g_autoptr (CommandTest) test = command_test_new ();
  g_autoptr (FerryTask) task = NULL;

  write_earlier (test, "out");
  task = command_test_submit_script (test, "exit 1", new_options ("out", FALSE));
  command_test_wait_failed (task, G_SPAWN_EXIT_ERROR, 1);
  assert_text (test, "out", "earlier");
}

static void
stay_where_a_folder_was_there_before (void)
{
  g_autoptr (CommandTest) test = command_test_new ();
  g_autofree char *folder = command_test_path (test, "out");
  g_autoptr (FerryTask) task = NULL;

  g_assert_cmpint (mkdir (folder, 0700), ==, 0);
  write_earlier (test, "out/file");
  task = command_test_submit_script (test, "echo > out/other; exit 1", new_options ("out", FALSE));
  command_test_wait_failed (task, G_SPAWN_EXIT_ERROR, 1);
  assert_text (test, "out/file", "earlier");
}

/* ---- replaced ---- */

/* The script gets the name as $1. */
static FerryTask *
submit_replacing (CommandTest *test, const char *script, const char *name)
{
  return command_test_submit (test, (const char *const[]){"sh", "-c", script, "sh", name, NULL},
                              new_options (name, TRUE));
}

static void
are_moved_into_place_when_the_command_succeeds (void)
{
  g_autoptr (CommandTest) test = command_test_new ();
  g_autoptr (FerryTask) task = NULL;
  g_autofree char *output = NULL;

  write_earlier (test, "film.tar.gz");
  task = submit_replacing (test, "cat film.tar.gz; echo $1; echo new > $1", "film.tar.gz");
  output = command_test_wait_output (task);
  assert_text (test, "film.tar.gz", "new\n");
  assert_folder (test, "film.tar.gz");
  /* While it ran, the earlier one was there, and the new one had the same name in a folder of its own. */
  g_assert_cmpstr (output, ==, "earlier.ferry-0/film.tar.gz\n");
}

/* The main loop has not heard of the result. */
static void
that_are_in_place_are_the_result_whatever_is_cancelled (void)
{
  g_autoptr (CommandTest) test = command_test_new ();
  g_autoptr (FerryTask) task =
    submit_replacing (test, "echo > ready; until test -e go; do sleep 0.01; done; echo new > \"$1\"", "out");
  g_autofree char *output = NULL;

  command_test_wait_file (test, "ready");
  write_earlier (test, "go");
  command_test_wait_file_unheard (test, "out");
  g_assert_true (ferry_task_cancel (task));
  output = command_test_wait_output (task);
  g_assert_cmpint (ferry_task_get_state (task), ==, FERRY_TASK_STATE_COMPLETED);
  assert_text (test, "out", "new\n");
}

static void
are_not_replaced_when_the_command_fails (void)
{
  g_autoptr (CommandTest) test = command_test_new ();
  g_autoptr (FerryTask) task = NULL;

  write_earlier (test, "out");
  task = submit_replacing (test, "echo half > $1; exit 1", "out");
  command_test_wait_failed (task, G_SPAWN_EXIT_ERROR, 1);
  assert_text (test, "out", "earlier");
  assert_folder (test, "out");
}

static void
keep_the_rights_of_those_that_they_replace (void)
{
  g_autoptr (CommandTest) test = command_test_new ();
  g_autoptr (FerryTask) task = NULL;
  g_autofree char *output = NULL;
  g_autofree char *path = command_test_path (test, "out");
  struct stat now;

  write_earlier (test, "out");
  g_assert_no_errno (chmod (path, 0600));
  task = submit_replacing (test, "umask 022; echo new > $1", "out");
  output = command_test_wait_output (task);
  assert_text (test, "out", "new\n");
  g_assert_no_errno (stat (path, &now));
  g_assert_cmpuint (now.st_mode & 0777, ==, 0600);
}

static void
are_missed_where_a_command_ends_well_without_them (void)
{
  g_autoptr (CommandTest) test = command_test_new ();
  g_autoptr (FerryTask) task = submit_replacing (test, "true", "out");
  const GError *error = command_test_wait_failed (task, G_IO_ERROR, G_IO_ERROR_NOT_FOUND);

  ferry_test_assert_says (error->message, "has not been written");
}

static void
are_refused_where_no_argument_names_them (void)
{
  g_autoptr (CommandTest) test = command_test_new ();
  g_autoptr (FerryTask) task = command_test_submit_script (test, "echo > out", new_options ("out", TRUE));

  command_test_wait_failed (task, FERRY_ERROR, FERRY_ERROR_BAD_ARGUMENTS);
  assert_folder (test, NULL);
}

static void
may_be_the_standard_output (void)
{
  g_autoptr (CommandTest) test = command_test_new ();
  GVariantDict *options = new_options ("out", TRUE);
  g_autoptr (FerryTask) task = NULL;

  write_earlier (test, "out");
  g_variant_dict_insert_value (options, "output-file", g_variant_new_bytestring ("out"));
  task = command_test_submit_script (test, "echo half; exit 1", options);
  command_test_wait_failed (task, G_SPAWN_EXIT_ERROR, 1);
  assert_text (test, "out", "earlier");
  assert_folder (test, "out");
}

static void
are_found_behind_an_equals_sign (void)
{
  g_autoptr (CommandTest) test = command_test_new ();
  g_autoptr (FerryTask) task = command_test_submit (
    test, (const char *const[]){"sh", "-c", "echo new > ${1#to=}", "sh", "to=out", NULL}, new_options ("out", TRUE));
  g_autofree char *output = command_test_wait_output (task);

  assert_text (test, "out", "new\n");
  assert_folder (test, "out");
}

/* Which of the two is read, nobody knows: 'cut f --output=f' would read what it empties. */
static void
are_refused_where_two_arguments_may_name_them (void)
{
  g_autoptr (CommandTest) test = command_test_new ();
  const char *argv[] = {"sh", "-c", "echo half > ${2#--output=}; cat $1", "sh", "f", "--output=f", NULL};
  const char *other[] = {"sh", "-c", "cat ${1#of=}; echo new > $2", "sh", "of=f", "./f", NULL};
  g_autoptr (FerryTask) task = NULL;
  g_autoptr (FerryTask) next = NULL;
  g_autofree char *output = NULL;

  write_earlier (test, "f");
  task = command_test_submit (test, argv, new_options ("f", TRUE));
  ferry_test_assert_says (command_test_wait_failed (task, FERRY_ERROR, FERRY_ERROR_BAD_ARGUMENTS)->message,
                          "reads and writes 'f', or names it twice");
  assert_text (test, "f", "earlier");
  next = command_test_submit (test, other, new_options ("./f", TRUE));
  output = command_test_wait_output (next);
  g_assert_cmpstr (output, ==, "earlier");
  assert_text (test, "f", "new\n");
}

static void
may_be_folders_with_a_slash_behind_them (void)
{
  g_autoptr (CommandTest) test = command_test_new ();
  g_autoptr (FerryTask) task = submit_replacing (test, "echo $1; mkdir $1; echo new > $1/file", "folder/");
  g_autofree char *output = command_test_wait_output (task);

  g_assert_cmpstr (output, ==, ".ferry-0/folder\n");
  assert_text (test, "folder/file", "new\n");
  assert_folder (test, "folder");
}

/* What the program leaves beside them goes with the folder that they are written in. */
static void
leave_nothing_beside_them (void)
{
  g_autoptr (CommandTest) test = command_test_new ();
  g_autoptr (FerryTask) task = submit_replacing (
    test, "echo new > $1; echo > $1-journal; mkdir $(dirname $1)/more; echo > $(dirname $1)/more/file", "out");
  g_autofree char *output = command_test_wait_output (task);

  assert_text (test, "out", "new\n");
  assert_folder (test, "out");
}

static void
are_private_while_they_are_written (void)
{
  g_autoptr (CommandTest) test = command_test_new ();
  g_autoptr (FerryTask) task = submit_replacing (test, "umask 000; echo new > $1; stat -c %a $(dirname $1)", "out");
  g_autofree char *output = command_test_wait_output (task);

  g_assert_cmpstr (output, ==, "700\n");
}

static void
make_link (CommandTest *test, const char *target, const char *name)
{
  g_autofree char *path = command_test_path (test, name);

  g_assert_no_errno (symlink (target, path));
}

static mode_t
get_type (CommandTest *test, const char *name)
{
  g_autofree char *path = command_test_path (test, name);
  struct stat status;

  g_assert_no_errno (lstat (path, &status));
  return status.st_mode & S_IFMT;
}

static void
are_those_to_which_links_lead (void)
{
  g_autoptr (CommandTest) test = command_test_new ();
  g_autofree char *folder = command_test_path (test, "far");
  g_autoptr (FerryTask) task = NULL;
  g_autoptr (FerryTask) dangling = NULL;
  g_autofree char *output = NULL;
  g_autofree char *other = NULL;

  g_assert_no_errno (mkdir (folder, 0700));
  write_earlier (test, "far/real");
  make_link (test, "far/real", "link.txt");
  make_link (test, "far/none", "dangling");
  task = submit_replacing (test, "basename $1; echo new > $1", "link.txt");
  output = command_test_wait_output (task);
  /* By the end of the name, programs tell formats. */
  g_assert_cmpstr (output, ==, "link.txt\n");
  g_assert_cmpuint (get_type (test, "link.txt"), ==, S_IFLNK);
  assert_text (test, "far/real", "new\n");
  dangling = submit_replacing (test, "echo made > $1", "dangling");
  other = command_test_wait_output (dangling);
  g_assert_cmpuint (get_type (test, "dangling"), ==, S_IFLNK);
  assert_text (test, "far/none", "made\n");
}

static gpointer
read_fifo (gpointer path)
{
  char *text = NULL;

  g_assert_true (g_file_get_contents (path, &text, NULL, NULL));
  return text;
}

static void
are_written_directly_where_they_are_no_regular_files (void)
{
  g_autoptr (CommandTest) test = command_test_new ();
  g_autofree char *path = command_test_path (test, "fifo");
  g_autofree char *text = NULL;
  g_autofree char *output = NULL;
  g_autoptr (FerryTask) task = NULL;
  g_autoptr (FerryTask) failed = NULL;
  GThread *reader;

  g_assert_no_errno (mkfifo (path, 0600));
  reader = g_thread_new ("reader", read_fifo, path);
  task = submit_replacing (test, "echo new > $1", "fifo");
  output = command_test_wait_output (task);
  text = g_thread_join (reader);
  g_assert_cmpstr (text, ==, "new\n");
  failed = submit_replacing (test, "exit 1", "fifo");
  command_test_wait_failed (failed, G_SPAWN_EXIT_ERROR, 1);
  g_assert_cmpuint (get_type (test, "fifo"), ==, S_IFIFO);
  assert_folder (test, "fifo");
}

static void
keep_the_attributes_of_those_that_they_replace (void)
{
  g_autoptr (CommandTest) test = command_test_new ();
  g_autofree char *path = command_test_path (test, "out");
  g_autofree char *output = NULL;
  g_autoptr (FerryTask) task = NULL;
  char note[8] = "";
  struct stat now;

  write_earlier (test, "out");
  if (setxattr (path, "user.note", "kept", 4, 0) < 0)
    {
      g_test_skip ("This file system has no extended attributes");
      return;
    }
  /* As root, it may be somebody else's, and one that runs with that one's rights. */
  if (geteuid () == 0)
    g_assert_no_errno (chown (path, 65534, 65534));
  g_assert_no_errno (chmod (path, 04750));
  task = submit_replacing (test, "echo new > $1", "out");
  output = command_test_wait_output (task);
  assert_text (test, "out", "new\n");
  g_assert_cmpint (getxattr (path, "user.note", note, sizeof note), ==, 4);
  g_assert_cmpstr (note, ==, "kept");
  g_assert_no_errno (stat (path, &now));
  g_assert_cmpuint (now.st_mode & 07777, ==, 04750);
  g_assert_cmpuint (now.st_uid, ==, geteuid () == 0 ? 65534 : geteuid ());
}

#define ACCESS_LIST "system.posix_acl_access"

/* One more user may read the file. As the kernel writes it: a version, and for each entry its tag, rights and user. */
static void
keep_the_access_list_of_those_that_they_replace (void)
{
  static const struct
  {
    guint32 version;
    struct
    {
      guint16 tag, rights;
      guint32 id;
    } entries[5];
  } list = {GUINT32_TO_LE (2),
            {{GUINT16_TO_LE (0x01), GUINT16_TO_LE (6), G_MAXUINT32},
             {GUINT16_TO_LE (0x02), GUINT16_TO_LE (4), GUINT32_TO_LE (65534)},
             {GUINT16_TO_LE (0x04), GUINT16_TO_LE (0), G_MAXUINT32},
             {GUINT16_TO_LE (0x10), GUINT16_TO_LE (4), G_MAXUINT32},
             {GUINT16_TO_LE (0x20), GUINT16_TO_LE (0), G_MAXUINT32}}};
  g_autoptr (CommandTest) test = command_test_new ();
  g_autofree char *path = command_test_path (test, "out");
  g_autofree char *output = NULL;
  g_autoptr (FerryTask) task = NULL;
  char kept[sizeof list + 1];

  write_earlier (test, "out");
  if (setxattr (path, ACCESS_LIST, &list, sizeof list, 0) < 0)
    {
      g_test_skip ("This file system has no access lists");
      return;
    }
  task = submit_replacing (test, "echo new > $1", "out");
  output = command_test_wait_output (task);
  assert_text (test, "out", "new\n");
  g_assert_cmpint (getxattr (path, ACCESS_LIST, kept, sizeof kept), ==, (gssize) sizeof list);
  g_assert_cmpmem (kept, sizeof list, &list, sizeof list);
}

static void
are_all_there_before_the_first_is_moved (void)
{
  g_autoptr (CommandTest) test = command_test_new ();
  const char *files[] = {"one", "two", NULL};
  GVariantDict *options = g_variant_dict_new (NULL);
  g_autoptr (FerryTask) task = NULL;

  write_earlier (test, "one");
  g_variant_dict_insert_value (options, "output-files", g_variant_new_bytestring_array (files, -1));
  g_variant_dict_insert (options, "replace-output-files", "b", TRUE);
  task =
    command_test_submit (test, (const char *const[]){"sh", "-c", "echo new > $1", "sh", "one", "two", NULL}, options);
  command_test_wait_failed (task, G_IO_ERROR, G_IO_ERROR_NOT_FOUND);
  assert_text (test, "one", "earlier");
  assert_folder (test, "one");
}

/* ---- what others leave, and hostile names ---- */

static void
of_killed_workers_are_removed_by_the_next (void)
{
  g_autoptr (CommandTest) test = command_test_new ();
  g_autoptr (FerryTask) task = submit_replacing (test, "echo half > $1; echo $PPID > pid; sleep 1000", "out");
  g_autoptr (FerryTask) next = NULL;
  g_autofree char *place = command_test_path (test, ".ferry-0");
  g_autofree char *note = command_test_path (test, "pid");
  g_autofree char *output = NULL;
  GPid pid = command_test_wait_pid (test, "pid");

  g_assert_true (g_file_test (place, G_FILE_TEST_IS_DIR));
  ferry_test_kill (pid, SIGKILL);
  command_test_wait_failed (task, FERRY_ERROR, FERRY_ERROR_WORKER_LOST);
  g_assert_no_errno (g_unlink (note));
  next = submit_replacing (test, "echo $1; echo new > $1", "out");
  output = command_test_wait_output (next);
  g_assert_cmpstr (output, ==, ".ferry-0/out\n");
  assert_text (test, "out", "new\n");
  assert_folder (test, "out");
}

static void
that_are_being_written_stay (void)
{
  g_autoptr (CommandTest) test = command_test_new ();
  g_autoptr (FerryTask) task =
    submit_replacing (test, "echo first > $1; echo > ready; until [ -e go ]; do sleep 0.05; done", "out");
  g_autoptr (FerryTask) next = NULL;
  g_autofree char *output = NULL;
  g_autofree char *other = NULL;

  command_test_wait_file (test, "ready");
  next = submit_replacing (test, "echo $1; echo second > $1; echo > go", "other");
  output = command_test_wait_output (next);
  g_assert_cmpstr (output, ==, ".ferry-1/other\n");
  other = command_test_wait_output (task);
  assert_text (test, "out", "first\n");
}

/* Somebody else has made what a place is called, to have this user write or remove something elsewhere. */
static void
are_written_to_no_folder_that_is_a_link (void)
{
  g_autoptr (CommandTest) test = command_test_new ();
  g_autofree char *folder = command_test_path (test, "mine");
  g_autofree char *output = NULL;
  g_autoptr (FerryTask) task = NULL;

  g_assert_no_errno (mkdir (folder, 0700));
  write_earlier (test, "mine/file");
  make_link (test, "mine", ".ferry-0");
  task = submit_replacing (test, "echo $1; echo new > $1", "out");
  output = command_test_wait_output (task);
  g_assert_cmpstr (output, ==, ".ferry-1/out\n");
  assert_text (test, "out", "new\n");
  assert_text (test, "mine/file", "earlier");
  g_assert_cmpuint (get_type (test, ".ferry-0"), ==, S_IFLNK);
}

/* ---- in place ---- */

static void
that_were_there_stay_and_are_said_to_be_damaged (void)
{
  g_autoptr (CommandTest) test = command_test_new ();
  g_autoptr (FerryTask) task = NULL;
  g_autoptr (FerryTask) cancelled = NULL;
  g_autoptr (GError) stop = NULL;
  const GError *error;

  write_earlier (test, "out");
  task = command_test_submit_script (test, "echo half >> out; exit 1", new_options ("out", FALSE));
  error = command_test_wait_failed (task, G_SPAWN_EXIT_ERROR, 1);
  assert_text (test, "out", "earlierhalf\n");
  ferry_test_assert_says (error->message, "'out' may be damaged");
  cancelled =
    command_test_submit_script (test, "echo more >> out; echo > ready; sleep 1000", new_options ("out", FALSE));
  command_test_wait_file (test, "ready");
  ferry_task_cancel (cancelled);
  command_test_wait_cancelled (cancelled);
  assert_text (test, "out", "earlierhalf\nmore\n");
  g_assert_null (ferry_task_get_result (cancelled, &stop));
  g_assert_error (stop, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  ferry_test_assert_says (stop->message, "to run it again; 'out' may be damaged, since it was written in place");
}

static void
that_were_there_are_said_to_be_damaged_when_the_time_is_over (void)
{
  g_autoptr (CommandTest) test = command_test_new ();
  g_autoptr (FerryTask) task = NULL;

  write_earlier (test, "out");
  test->run_timeout = G_USEC_PER_SEC;
  task = command_test_submit_script (test, "echo half > out; exec sleep 1000", new_options ("out", FALSE));
  ferry_test_assert_says (command_test_wait_failed (task, FERRY_ERROR, FERRY_ERROR_TIMED_OUT)->message,
                          "or more time; 'out' may be damaged, since it was written in place");
}

static void
that_a_link_leads_to_are_said_to_be_damaged (void)
{
  g_autoptr (CommandTest) test = command_test_new ();
  g_autoptr (FerryTask) task = NULL;

  write_earlier (test, "real");
  make_link (test, "real", "link");
  task = command_test_submit_script (test, "echo half > link; exit 1", new_options ("link", FALSE));
  ferry_test_assert_says (command_test_wait_failed (task, G_SPAWN_EXIT_ERROR, 1)->message, "'link' may be damaged");
  g_assert_cmpuint (get_type (test, "link"), ==, S_IFLNK);
}

static void
are_refused_where_a_command_reads_them (void)
{
  g_autoptr (CommandTest) test = command_test_new ();
  GVariantDict *options = g_variant_dict_new (NULL);
  g_autoptr (FerryTask) twice = NULL;
  g_autoptr (FerryTask) streams = NULL;
  g_autoptr (FerryTask) other = NULL;
  g_autofree char *output = NULL;

  write_earlier (test, "out");
  twice =
    command_test_submit (test, (const char *const[]){"sort", "-o", "out", "out", NULL}, new_options ("out", TRUE));
  ferry_test_assert_says (command_test_wait_failed (twice, FERRY_ERROR, FERRY_ERROR_BAD_ARGUMENTS)->message,
                          "reads and writes 'out'");
  g_variant_dict_insert_value (options, "input-file", g_variant_new_bytestring ("out"));
  g_variant_dict_insert_value (options, "output-file", g_variant_new_bytestring ("./out"));
  streams = command_test_submit (test, (const char *const[]){"sort", NULL}, options);
  ferry_test_assert_says (command_test_wait_failed (streams, FERRY_ERROR, FERRY_ERROR_BAD_ARGUMENTS)->message,
                          "is to read 'out' and to write it");
  assert_text (test, "out", "earlier");
  /* In another way of writing it, what is read is the earlier one. */
  other =
    command_test_submit (test, (const char *const[]){"sort", "-o", "out", "./out", NULL}, new_options ("out", TRUE));
  output = command_test_wait_output (other);
  assert_text (test, "out", "earlier\n");
}

/* The shell's 'sort f > f' empties it before it is read. */
static void
are_refused_where_an_argument_is_the_standard_output (void)
{
  const char *const arguments[] = {"out", "./out", "link", "--from=out", "new"};

  for (guint i = 0; i < G_N_ELEMENTS (arguments); i++)
    {
      g_autoptr (CommandTest) test = command_test_new ();
      GVariantDict *options = g_variant_dict_new (NULL);
      g_autoptr (FerryTask) task = NULL;

      write_earlier (test, "out");
      make_link (test, "out", "link");
      g_variant_dict_insert_value (options, "output-file",
                                   g_variant_new_bytestring (g_str_equal (arguments[i], "new") ? "new" : "out"));
      task = command_test_submit (test, (const char *const[]){"sort", arguments[i], NULL}, options);
      ferry_test_assert_says (command_test_wait_failed (task, FERRY_ERROR, FERRY_ERROR_BAD_ARGUMENTS)->message,
                              "and to write it");
      assert_text (test, "out", "earlier");
    }
}

/* The new one is written elsewhere. */
static void
may_be_read_by_an_argument_where_they_are_replaced (void)
{
  g_autoptr (CommandTest) test = command_test_new ();
  GVariantDict *options = new_options ("out", TRUE);
  g_autofree char *output = NULL;
  g_autoptr (FerryTask) task = NULL;

  write_earlier (test, "out");
  g_variant_dict_insert_value (options, "output-file", g_variant_new_bytestring ("out"));
  task = command_test_submit (test, (const char *const[]){"sort", "out", NULL}, options);
  output = command_test_wait_output (task);
  assert_text (test, "out", "earlier\n");
}

/* Nobody opens the other end. The grace time is so long that only the cancel itself ends the wait. */
static void
that_are_fifos_hear_of_a_cancel (void)
{
  g_autoptr (CommandTest) test = command_test_new ();
  g_autofree char *path = command_test_path (test, "fifo");
  const char *keys[] = {"input-file", "output-file"};

  g_assert_no_errno (mkfifo (path, 0600));
  test->cancel_grace = (gint64) 3600 * G_USEC_PER_SEC;
  for (guint i = 0; i < G_N_ELEMENTS (keys); i++)
    {
      GVariantDict *options = g_variant_dict_new (NULL);
      g_autoptr (FerryTask) task = NULL;

      g_variant_dict_insert_value (options, keys[i], g_variant_new_bytestring ("fifo"));
      task = command_test_submit (test, (const char *const[]){"cat", NULL}, options);
      command_test_wait_worker (test, task);
      ferry_task_cancel (task);
      command_test_wait_cancelled (task);
    }
  assert_folder (test, "fifo");
}

static gboolean
is_full (gpointer reader)
{
  g_autofree char *path = g_strdup_printf ("/proc/self/fd/%d", *(int *) reader);
  struct pollfd writer = {.fd = open (path, O_WRONLY | O_NONBLOCK | O_CLOEXEC), .events = POLLOUT};
  gboolean has_room;

  g_assert_no_errno (writer.fd);
  has_room = poll (&writer, 1, 0) == 1;
  close (writer.fd);
  return !has_room;
}

/* Opens a FIFO for reading, has a script write to it, and waits until it is full. */
static FerryTask *
fill_fifo (CommandTest *test, const char *how, const char *script, int *reader)
{
  g_autofree char *path = command_test_path (test, "fifo");
  GVariantDict *options = g_variant_dict_new (NULL);
  FerryTask *task;

  g_assert_no_errno (mkfifo (path, 0600));
  *reader = open (path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
  g_assert_no_errno (*reader);
  g_variant_dict_insert_value (options, "output-file", g_variant_new_bytestring ("fifo"));
  g_variant_dict_insert (options, how, "b", TRUE);
  task = command_test_submit_script (test, script, options);
  ferry_test_look_until (is_full, reader);
  return task;
}

/* The grace time is so long that only the cancel itself ends the command. */
static void
that_nobody_reads_hold_up_no_cancel (void)
{
  const char *const ways[] = {"all-lines", "terminal"};

  for (guint i = 0; i < G_N_ELEMENTS (ways); i++)
    {
      g_autoptr (CommandTest) test = command_test_new ();
      g_autoptr (FerryTask) task = NULL;
      int reader;

      test->cancel_grace = (gint64) 3600 * G_USEC_PER_SEC;
      task = fill_fifo (test, ways[i], "yes", &reader);
      ferry_task_cancel (task);
      command_test_wait_cancelled (task);
      close (reader);
    }
}

static gpointer
count_bytes (gpointer reader)
{
  const int fd = GPOINTER_TO_INT (reader);
  char bytes[4096];
  gsize size = 0;
  gssize n;

  fcntl (fd, F_SETFL, 0);
  while ((n = read (fd, bytes, sizeof bytes)) > 0)
    size += (gsize) n;
  return GSIZE_TO_POINTER (size);
}

/* The program has long ended. */
static void
that_somebody_reads_late_get_all (void)
{
  g_autoptr (CommandTest) test = command_test_new ();
  g_autofree char *output = NULL;
  g_autoptr (FerryTask) task = NULL;
  GThread *thread;
  int reader;

  task = fill_fifo (test, "all-lines", "head -c 200000 /dev/zero", &reader);
  thread = g_thread_new ("reader", count_bytes, GINT_TO_POINTER (reader));
  output = command_test_wait_output (task);
  g_assert_cmpuint (GPOINTER_TO_SIZE (g_thread_join (thread)), ==, 200000);
  close (reader);
}

/* A limit of time ends a command as a cancel does. */
static void
are_removed_before_the_end_of_a_command_whose_time_is_over (void)
{
  g_autoptr (CommandTest) test = command_test_new ();
  g_autoptr (FerryTask) task = NULL;
  const GError *error;

  test->run_timeout = G_USEC_PER_SEC;
  task = command_test_submit_script (test, "trap 'sleep 1; exit 1' INT; echo half > out; sleep 1000 & wait",
                                     new_options ("out", FALSE));
  error = command_test_wait_failed (task, FERRY_ERROR, FERRY_ERROR_TIMED_OUT);
  assert_folder (test, NULL);
  ferry_test_assert_says (error->message, "was stopped, since it ran for longer than its limit of 1 s");
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/command-files/stay-when-the-command-succeeds", stay_when_the_command_succeeds);
  g_test_add_func ("/command-files/are-removed-when-the-command-fails", are_removed_when_the_command_fails);
  g_test_add_func ("/command-files/are-removed-when-the-command-is-cancelled",
                   are_removed_when_the_command_is_cancelled);
  g_test_add_func ("/command-files/are-removed-with-the-folder-that-they-are-in",
                   are_removed_with_the_folder_that_they_are_in);
  g_test_add_func ("/command-files/stay-when-the-command-has-not-changed-them",
                   stay_when_the_command_has_not_changed_them);
  g_test_add_func ("/command-files/stay-where-a-folder-was-there-before", stay_where_a_folder_was_there_before);
  g_test_add_func ("/command-files/are-moved-into-place-when-the-command-succeeds",
                   are_moved_into_place_when_the_command_succeeds);
  g_test_add_func ("/command-files/that-are-in-place-are-the-result-whatever-is-cancelled",
                   that_are_in_place_are_the_result_whatever_is_cancelled);
  g_test_add_func ("/command-files/are-not-replaced-when-the-command-fails", are_not_replaced_when_the_command_fails);
  g_test_add_func ("/command-files/keep-the-rights-of-those-that-they-replace",
                   keep_the_rights_of_those_that_they_replace);
  g_test_add_func ("/command-files/are-missed-where-a-command-ends-well-without-them",
                   are_missed_where_a_command_ends_well_without_them);
  g_test_add_func ("/command-files/are-refused-where-no-argument-names-them", are_refused_where_no_argument_names_them);
  g_test_add_func ("/command-files/may-be-the-standard-output", may_be_the_standard_output);
  g_test_add_func ("/command-files/are-found-behind-an-equals-sign", are_found_behind_an_equals_sign);
  g_test_add_func ("/command-files/are-refused-where-two-arguments-may-name-them",
                   are_refused_where_two_arguments_may_name_them);
  g_test_add_func ("/command-files/may-be-folders-with-a-slash-behind-them", may_be_folders_with_a_slash_behind_them);
  g_test_add_func ("/command-files/leave-nothing-beside-them", leave_nothing_beside_them);
  g_test_add_func ("/command-files/are-private-while-they-are-written", are_private_while_they_are_written);
  g_test_add_func ("/command-files/are-those-to-which-links-lead", are_those_to_which_links_lead);
  g_test_add_func ("/command-files/are-written-directly-where-they-are-no-regular-files",
                   are_written_directly_where_they_are_no_regular_files);
  g_test_add_func ("/command-files/keep-the-attributes-of-those-that-they-replace",
                   keep_the_attributes_of_those_that_they_replace);
  g_test_add_func ("/command-files/keep-the-access-list-of-those-that-they-replace",
                   keep_the_access_list_of_those_that_they_replace);
  g_test_add_func ("/command-files/are-all-there-before-the-first-is-moved", are_all_there_before_the_first_is_moved);
  g_test_add_func ("/command-files/of-killed-workers-are-removed-by-the-next",
                   of_killed_workers_are_removed_by_the_next);
  g_test_add_func ("/command-files/that-are-being-written-stay", that_are_being_written_stay);
  g_test_add_func ("/command-files/are-written-to-no-folder-that-is-a-link", are_written_to_no_folder_that_is_a_link);
  g_test_add_func ("/command-files/that-were-there-stay-and-are-said-to-be-damaged",
                   that_were_there_stay_and_are_said_to_be_damaged);
  g_test_add_func ("/command-files/that-were-there-are-said-to-be-damaged-when-the-time-is-over",
                   that_were_there_are_said_to_be_damaged_when_the_time_is_over);
  g_test_add_func ("/command-files/that-a-link-leads-to-are-said-to-be-damaged",
                   that_a_link_leads_to_are_said_to_be_damaged);
  g_test_add_func ("/command-files/are-refused-where-a-command-reads-them", are_refused_where_a_command_reads_them);
  g_test_add_func ("/command-files/are-refused-where-an-argument-is-the-standard-output",
                   are_refused_where_an_argument_is_the_standard_output);
  g_test_add_func ("/command-files/may-be-read-by-an-argument-where-they-are-replaced",
                   may_be_read_by_an_argument_where_they_are_replaced);
  g_test_add_func ("/command-files/that-are-fifos-hear-of-a-cancel", that_are_fifos_hear_of_a_cancel);
  g_test_add_func ("/command-files/that-nobody-reads-hold-up-no-cancel", that_nobody_reads_hold_up_no_cancel);
  g_test_add_func ("/command-files/that-somebody-reads-late-get-all", that_somebody_reads_late_get_all);
  g_test_add_func ("/command-files/are-removed-before-the-end-of-a-command-whose-time-is-over",
                   are_removed_before_the_end_of_a_command_whose_time_is_over);

  return g_test_run ();
}
