/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Values, calls and times as the texts of messages and errors show them. A text is short however large its value is:
 * another process must not fill a log, and a window has little room.
 *
 * Threads: any. */

#include "config.h"

#include <string.h>

#include "base/ferry-base-private.h"

/* The most characters of a text. A path fits. */
#define MAX_SHOWN 120

/* The largest value, in bytes, that is printed as a whole. Of a tuple the members are printed. */
#define MAX_PRINTED 4096

static void append_value (GString *text, GVariant *value);

/* Whether the value is bytes that are no text with a zero at its end, as a path is. */
static gboolean
is_binary (GVariant *value)
{
  gsize size = g_variant_get_size (value);
  const char *bytes;

  if (!g_variant_is_of_type (value, G_VARIANT_TYPE_BYTESTRING))
    return FALSE;
  bytes = g_variant_get_data (value);
  return size == 0 || memchr (bytes, '\0', size) != bytes + size - 1;
}

static void
append_tuple (GString *text, GVariant *value)
{
  gsize n = g_variant_n_children (value);

  g_string_append_c (text, '(');
  /* What is behind the last shown character is never seen. */
  for (gsize i = 0; i < n && text->len <= 4 * MAX_SHOWN; i++)
    {
      g_autoptr (GVariant) member = g_variant_get_child_value (value, i);

      g_string_append (text, i > 0 ? ", " : "");
      append_value (text, member);
    }
  g_string_append (text, n == 1 ? ",)" : ")");
}

/* An environment may have secrets, which no log and no window should show. */
static void
append_options (GString *text, GVariant *value)
{
  GVariantIter iter;
  const char *name;
  GVariant *member;
  guint n = 0;

  g_string_append_c (text, '{');
  g_variant_iter_init (&iter, value);
  while (text->len <= 4 * MAX_SHOWN && g_variant_iter_next (&iter, "{&sv}", &name, &member))
    {
      g_autoptr (GVariant) owned = member;

      if (g_str_has_suffix (name, "environment"))
        continue;
      g_string_append_printf (text, "%s'%s': <", n++ > 0 ? ", " : "", name);
      append_value (text, owned);
      g_string_append_c (text, '>');
    }
  g_string_append_c (text, '}');
}

static void
append_value (GString *text, GVariant *value)
{
  g_autofree char *printed = NULL;

  if (g_variant_is_of_type (value, G_VARIANT_TYPE_TUPLE))
    append_tuple (text, value);
  else if (g_variant_is_of_type (value, G_VARIANT_TYPE_VARDICT))
    append_options (text, value);
  else if (g_variant_get_size (value) > MAX_PRINTED || is_binary (value))
    g_string_append_printf (text, "%" G_GSIZE_FORMAT " bytes", g_variant_get_size (value));
  else
    g_string_append (text, printed = g_variant_print (value, FALSE));
}

/* Returns (transfer full) the text, which is cut where it is too long. Takes text. */
static char *
cut (GString *text)
{
  if (g_utf8_strlen (text->str, -1) > MAX_SHOWN)
    {
      g_string_truncate (text, g_utf8_offset_to_pointer (text->str, MAX_SHOWN - 3) - text->str);
      g_string_append (text, "...");
    }
  return g_string_free (text, FALSE);
}

char *
ferry_show_value (GVariant *value)
{
  GString *text = g_string_new (NULL);

  append_value (text, value);
  return cut (text);
}

char *
ferry_show_arguments (GVariant *arguments)
{
  gboolean is_tuple = arguments != NULL && g_variant_is_of_type (arguments, G_VARIANT_TYPE_TUPLE);
  GString *text = g_string_new (is_tuple ? NULL : "(");

  if (arguments != NULL)
    append_value (text, arguments);
  if (!is_tuple)
    g_string_append_c (text, ')');
  /* The comma of a tuple of one value is left out. */
  else if (g_variant_n_children (arguments) == 1)
    g_string_erase (text, (gssize) text->len - 2, 1);
  return cut (text);
}

char *
ferry_describe_wait (gint64 time, const char *purpose)
{
  g_autoptr (GDateTime) then = g_date_time_new_from_unix_local (time / G_USEC_PER_SEC);
  g_autoptr (GDateTime) now = g_date_time_new_now_local ();
  g_autofree char *shown = NULL;
  gboolean is_today;

  if (then == NULL)
    return g_strdup ("Waits until it is run by hand");
  is_today = g_date_time_get_day_of_year (then) == g_date_time_get_day_of_year (now) &&
             g_date_time_get_year (then) == g_date_time_get_year (now);
  shown = g_date_time_format (then, is_today ? "%H:%M:%S" : "%x %H:%M");
  return g_strdup_printf ("Waits until %s%s", shown, purpose);
}
