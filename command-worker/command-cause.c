/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Which of a command's last lines is the error that says why it has failed. Many programs say the cause first, and then
 * that they have failed: so it is the first line that looks like one. In a language that is not English none does, and
 * it is the last line.
 *
 * What gpg, dpkg and apt say to programs is no sentence for people, though it has the word "ERROR". And 7z says
 * "ERROR: a.7z", and in the next line that the password is wrong; or "System ERROR:", and there what the system says. A
 * cause that ends with a colon, or with an argument of the command, goes on in the next line. */

#include "command-cause.h"

#include <string.h>

/* In characters. */
#define MAX_CAUSE 300

/* What begins the lines of protocols. */
static const char *const protocols[] = {"[GNUPG:] ", "status: ", "processing: ", "pmstatus:", "dlstatus:"};

static gboolean
is_for_programs (const char *line)
{
  for (guint i = 0; i < G_N_ELEMENTS (protocols); i++)
    if (g_str_has_prefix (line, protocols[i]))
      return TRUE;
  return FALSE;
}

static gboolean
looks_like_cause (const char *line)
{
  static const char *const words[] = {"error",  "fatal",  "cannot",   "can't",  "no such",
                                      "denied", "failed", "no valid", "invalid"};
  g_autofree char *folded = g_utf8_casefold (line, -1);

  for (guint i = 0; i < G_N_ELEMENTS (words); i++)
    if (strstr (folded, words[i]) != NULL)
      return TRUE;
  return FALSE;
}

/* Whether a line only says that, or of what, the next one says why. */
static gboolean
goes_on (const char *line, const char *const *argv)
{
  if (g_str_has_suffix (line, ":"))
    return TRUE;
  for (guint i = 1; argv[0] != NULL && argv[i] != NULL; i++)
    {
      gsize length = strlen (argv[i]);
      gsize begin = strlen (line) - MIN (length, strlen (line));

      if (length > 0 && begin > 0 && line[begin - 1] == ' ' && strcmp (line + begin, argv[i]) == 0)
        return TRUE;
    }
  return FALSE;
}

/* Returns (nullable): the next line for people from a place on, which it moves behind it. */
static const char *
next_line (char **lines, guint *place)
{
  while (lines[*place] != NULL)
    {
      const char *line = g_strchomp (lines[(*place)++]);

      if (line[0] != '\0' && !is_for_programs (line))
        return line;
    }
  return NULL;
}

char *
command_cause_describe (const char *last_lines, const char *const *argv)
{
  g_auto (GStrv) lines = g_strsplit (last_lines, "\n", -1);
  g_autofree char *cause = NULL;
  g_autofree char *start = NULL;
  const char *found = NULL;
  const char *line;
  guint place = 0;

  while ((line = next_line (lines, &place)) != NULL)
    {
      found = line;
      if (looks_like_cause (line))
        break;
    }
  if (found == NULL)
    return g_strdup ("");
  cause = g_strdup (found);
  while (goes_on (cause, argv) && (line = next_line (lines, &place)) != NULL)
    {
      g_autofree char *before = g_steal_pointer (&cause);

      cause = g_strdup_printf ("%s%s %s", before, g_str_has_suffix (before, ":") ? "" : ":", line);
    }
  start = g_utf8_substring (cause, 0, MIN (g_utf8_strlen (cause, -1), MAX_CAUSE));
  return g_strdup_printf (": %s%s", start, strlen (start) < strlen (cause) ? "..." : "");
}
