/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "tasks/ferry-demo-spec.h"

#include <gio/gio.h>
#include <string.h>

typedef enum
{
  ARGUMENT_NONE,
  ARGUMENT_PATH,
  ARGUMENT_NUMBER,
  ARGUMENT_NUMBER_OR_ENDLESS,
} ArgumentType;

static const struct
{
  const char *name;
  ArgumentType type;
  const char *usual;
  guint64 least, most;
} kinds[FERRY_DEMO_N_KINDS] = {
  [FERRY_DEMO_KIND_SHA256] = {"sha256", ARGUMENT_PATH, "/usr/share/doc", 0, 0},
  [FERRY_DEMO_KIND_PRIMES] = {"primes", ARGUMENT_NUMBER, "3000000", 2, FERRY_DEMO_PRIMES_MAX},
  [FERRY_DEMO_KIND_CRASH] = {"crash", ARGUMENT_NONE, "", 0, 0},
  [FERRY_DEMO_KIND_HANG] = {"hang", ARGUMENT_NONE, "", 0, 0},
  [FERRY_DEMO_KIND_FLOOD] = {"flood", ARGUMENT_NUMBER_OR_ENDLESS, "2000000", 1, G_MAXINT64},
};

static gboolean
find_kind (const char *name, FerryDemoKind *kind, GError **error)
{
  g_autofree char *shown = g_utf8_make_valid (name, -1);

  for (guint i = 0; i < FERRY_DEMO_N_KINDS; i++)
    if (g_str_equal (kinds[i].name, name))
      {
        *kind = (FerryDemoKind) i;
        return TRUE;
      }

  g_set_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT,
               "There is no job '%s': choose among sha256, primes, crash, hang and flood", shown);
  return FALSE;
}

static gboolean
check_argument (FerryDemoSpec *self, GError **error)
{
  g_autofree char *shown = g_utf8_make_valid (self->argument, -1);

  switch (kinds[self->kind].type)
    {
    case ARGUMENT_NONE:
      if (*self->argument == '\0')
        return TRUE;
      g_set_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT, "The job %s takes no argument",
                   kinds[self->kind].name);
      return FALSE;
    case ARGUMENT_PATH:
      return TRUE;
    case ARGUMENT_NUMBER_OR_ENDLESS:
      if (g_str_equal (self->argument, FERRY_DEMO_ENDLESS))
        return TRUE;
      G_GNUC_FALLTHROUGH;
    case ARGUMENT_NUMBER:
      return g_ascii_string_to_unsigned (shown, 10, kinds[self->kind].least, kinds[self->kind].most, &self->number,
                                         error);
    default:
      g_assert_not_reached ();
    }
}

/* Without an argument, or with an empty one, the usual one of the kind is taken. */
FerryDemoSpec *
ferry_demo_spec_new (FerryDemoKind kind, const char *argument, GError **error)
{
  g_autoptr (FerryDemoSpec) self = NULL;

  g_return_val_if_fail (kind < FERRY_DEMO_N_KINDS, NULL);

  self = g_new0 (FerryDemoSpec, 1);
  self->kind = kind;
  self->argument = g_strdup (argument != NULL && *argument != '\0' ? argument : kinds[kind].usual);
  if (!check_argument (self, error))
    {
      g_prefix_error (error, "The job %s cannot be started: ", kinds[kind].name);
      return NULL;
    }
  return g_steal_pointer (&self);
}

FerryDemoSpec *
ferry_demo_spec_parse (const char *text, GError **error)
{
  const char *colon = strchr (text, ':');
  g_autofree char *name = colon != NULL ? g_strndup (text, colon - text) : g_strdup (text);
  FerryDemoKind kind;

  if (!find_kind (name, &kind, error))
    return NULL;
  return ferry_demo_spec_new (kind, colon != NULL ? colon + 1 : NULL, error);
}

void
ferry_demo_spec_free (FerryDemoSpec *self)
{
  g_free (self->argument);
  g_free (self);
}

const char *
ferry_demo_spec_get_name (const FerryDemoSpec *self)
{
  return kinds[self->kind].name;
}

gboolean
ferry_demo_spec_is_endless (const FerryDemoSpec *self)
{
  return self->kind == FERRY_DEMO_KIND_FLOOD && self->number == 0;
}
