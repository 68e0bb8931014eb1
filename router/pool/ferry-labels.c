/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Labels of hosts, such as “gpu”, and which of them a task needs.
 *
 * Labels are few and short, so all here look through them one by one.
 *
 * Threads: any. */

#include "config.h"

#include "pool/ferry-labels-private.h"

#include <string.h>

static gboolean
is_label (const char *text)
{
  gsize length = strlen (text);

  return length > 0 && length <= FERRY_MAX_LABEL &&
         strspn (text, G_CSET_A_2_Z G_CSET_a_2_z G_CSET_DIGITS "_-.") == length;
}

gboolean
ferry_labels_check (const char *const *labels, const char *whose, GError **error)
{
  for (guint i = 0; labels != NULL && labels[i] != NULL; i++)
    {
      g_autofree char *shown = is_label (labels[i]) ? NULL : g_strescape (labels[i], NULL);

      if (i >= FERRY_MAX_LABELS)
        return ferry_set_error (error, FERRY_ERROR_BAD_ARGUMENTS, "%s more than %d labels; give fewer", whose,
                                FERRY_MAX_LABELS);
      if (shown != NULL)
        return ferry_set_error (error, FERRY_ERROR_BAD_ARGUMENTS,
                                "%s the label '%.*s'; a label has 1 to %d of the characters A-Z, a-z, 0-9, '_', '-' "
                                "and '.'",
                                whose, FERRY_MAX_LABEL, shown, FERRY_MAX_LABEL);
    }
  return TRUE;
}

gboolean
ferry_labels_have (const char *const *labels, const char *const *needed)
{
  for (guint i = 0; needed != NULL && needed[i] != NULL; i++)
    if (labels == NULL || !g_strv_contains (labels, needed[i]))
      return FALSE;
  return TRUE;
}

int
ferry_labels_compare (const char *const *one, const char *const *other)
{
  guint i = 0;

  if (one == other)
    return 0;
  while (one != NULL && other != NULL && one[i] != NULL && g_strcmp0 (one[i], other[i]) == 0)
    i++;
  return g_strcmp0 (one != NULL ? one[i] : NULL, other != NULL ? other[i] : NULL);
}

char *
ferry_labels_describe (const char *const *labels)
{
  GString *text = g_string_new (labels[1] != NULL ? "the labels " : "the label ");

  for (guint i = 0; labels[i] != NULL; i++)
    g_string_append_printf (text, "%s'%s'", i == 0 ? "" : labels[i + 1] != NULL ? ", " : " and ", labels[i]);
  return g_string_free (text, FALSE);
}
