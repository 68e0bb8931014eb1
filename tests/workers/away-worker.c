/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The functions of tasks that run while their application is off. Each is given the name of a ledger and a key, appends
 * a line as it begins and as it ends, and returns the key:
 *
 *   b KEY PID    it has begun
 *   e KEY        it is about to return
 *
 * note: at once. hold: when there is a file with the ledger's name and the key behind it. big: as
 * note, with so many bytes. fail: fails. die: its process ends. */

#include <fcntl.h>
#include <ferry.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

static void
append (const char *path, const char *letter, const char *key)
{
  g_autofree char *line = g_strdup_printf ("%s %s %d\n", letter, key, (int) getpid ());
  int fd = open (path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);

  if (write (fd, line, strlen (line)) != (gssize) strlen (line))
    g_error ("The ledger takes no lines");
  close (fd);
}

static GVariant *
note (FerryJob *job, GVariant *arguments, GError **error)
{
  const char *path, *key;

  g_variant_get (arguments, "(&s&s)", &path, &key);
  append (path, "b", key);
  g_printerr ("noted %s\n", key);
  append (path, "e", key);
  return g_variant_new_string (key);
}

static GVariant *
hold (FerryJob *job, GVariant *arguments, GError **error)
{
  g_autofree char *folder = NULL;
  g_autofree char *gate = NULL;
  const char *path, *key;
  char changes[4096];
  int watch = inotify_init1 (IN_CLOEXEC);

  g_variant_get (arguments, "(&s&s)", &path, &key);
  gate = g_strconcat (path, key, NULL);
  folder = g_path_get_dirname (path);
  if (inotify_add_watch (watch, folder, IN_CREATE | IN_MOVED_TO) < 0)
    g_error ("'%s' cannot be watched", folder);
  append (path, "b", key);
  while (!g_file_test (gate, G_FILE_TEST_EXISTS))
    if (read (watch, changes, sizeof changes) < 0)
      g_error ("'%s' cannot be watched any more", folder);
  close (watch);
  append (path, "e", key);
  return g_variant_new_string (key);
}

/* Some work, of random length. */
static GVariant *
work (FerryJob *job, GVariant *arguments, GError **error)
{
  g_autofree char *sum = NULL;
  const char *path, *key;

  g_variant_get (arguments, "(&s&s)", &path, &key);
  append (path, "b", key);
  for (guint i = (guint) g_random_int_range (0, 20000); i > 0; i--)
    {
      g_autofree char *last = g_steal_pointer (&sum);

      sum = g_compute_checksum_for_string (G_CHECKSUM_SHA256, last != NULL ? last : "", -1);
    }
  append (path, "e", key);
  return g_variant_new_string (key);
}

static GVariant *
big (FerryJob *job, GVariant *arguments, GError **error)
{
  const char *path, *key;

  g_variant_get (arguments, "(&s&s)", &path, &key);
  append (path, "b", key);
  return g_variant_new_take_string (g_strnfill (2 * 1024 * 1024, 'x'));
}

static GVariant *
fail (FerryJob *job, GVariant *arguments, GError **error)
{
  const char *path, *key;

  g_variant_get (arguments, "(&s&s)", &path, &key);
  append (path, "b", key);
  g_set_error (error, G_IO_ERROR, G_IO_ERROR_BUSY, "The key '%s' is busy", key);
  return NULL;
}

static GVariant *
die (FerryJob *job, GVariant *arguments, GError **error)
{
  const char *path, *key;

  g_variant_get (arguments, "(&s&s)", &path, &key);
  append (path, "b", key);
  kill (getpid (), SIGKILL);
  return NULL;
}

int
main (int argc, char **argv)
{
  ferry_function_register ("note", "(ss)", "s", note);
  ferry_function_register ("hold", "(ss)", "s", hold);
  ferry_function_register ("work", "(ss)", "s", work);
  ferry_function_register ("big", "(ss)", "s", big);
  ferry_function_register ("fail", "(ss)", "s", fail);
  ferry_function_register ("die", "(ss)", "s", die);
  ferry_worker_main (&argc, &argv);
  return 2;
}
