/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Errors as values, and the traces of those that came home.
 *
 * A GError has room for a domain, a code and a message. So the traces of the latest errors are kept beside them, in one
 * table of the process, and found by these three.
 *
 * Threads:   any; the table has a lock.
 * Trust:     none in a value: strings are valid UTF-8 by GVariant's own checks, and bounded here.
 * Invariant: newest and by_error hold the same traces, at most MAX_TRACES and MAX_BYTES of them. */

#include "config.h"

#include "call/ferry-remote-error-private.h"

#include <errno.h>
#include <execinfo.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/ferry-error.h"

#define MAX_MESSAGE (64 * 1024)
#define MAX_DOMAIN 255
#define MAX_NOTES 16
#define MAX_NOTE 1024
#define MAX_FRAMES 64
#define MAX_BACKTRACE 8192
#define MAX_TRACES 1024
#define MAX_BYTES (8 * 1024 * 1024)

#define CUT "…"

/* The length of text up to limit, and not within a character. */
static gsize
cut_length (const char *text, gsize limit)
{
  gsize length = strnlen (text, limit + 1);

  if (length <= limit)
    return length;
  for (length = limit; length > 0 && ((guchar) text[length] & 0xc0) == 0x80; length--)
    ;
  return length;
}

/* A copy that is valid UTF-8, and where it was cut says so; of at most limit bytes. */
static char *
dup_bounded (const char *text, gsize limit)
{
  /* Cut before it is mended as well, so that no more than a bounded part is looked at. */
  g_autofree char *valid = g_utf8_make_valid (text, (gssize) strnlen (text, limit + 1));
  gsize length = strlen (valid);

  if (length > limit)
    {
      length = cut_length (valid, limit - strlen (CUT));
      return g_strdup_printf ("%.*s%s", (int) length, valid, CUT);
    }
  return g_steal_pointer (&valid);
}

/* ---- as values ---- */

/* Returns a floating value. trace and notes are (nullable). */
GVariant *
ferry_error_to_variant (const GError *error, const char *trace, const char *const *notes)
{
  g_autofree char *domain = dup_bounded (g_quark_to_string (error->domain), MAX_DOMAIN);
  g_autofree char *message = dup_bounded (error->message, MAX_MESSAGE);
  g_autofree char *bounded_trace = dup_bounded (trace != NULL ? trace : "", FERRY_MAX_TRACE);
  GVariantBuilder builder;

  g_variant_builder_init (&builder, G_VARIANT_TYPE_STRING_ARRAY);
  for (guint i = 0; notes != NULL && notes[i] != NULL && i < MAX_NOTES; i++)
    g_variant_builder_add_value (&builder, g_variant_new_take_string (dup_bounded (notes[i], MAX_NOTE)));
  return g_variant_new (FERRY_ERROR_VARIANT_TYPE, domain, error->code, message, bounded_trace, &builder);
}

/* Domains that every GIO program may be told of are known before they were first used here. */
static GQuark
find_domain (const char *name)
{
  static gsize known;

  if (g_once_init_enter (&known))
    {
      const GQuark quarks[] = {FERRY_ERROR, G_IO_ERROR, G_FILE_ERROR, G_SPAWN_ERROR, G_CONVERT_ERROR, G_KEY_FILE_ERROR};

      g_once_init_leave (&known, G_N_ELEMENTS (quarks));
    }
  return g_quark_try_string (name);
}

static GError *
make_error (const char *domain, int code, const char *message)
{
  g_autofree char *bounded = dup_bounded (message, MAX_MESSAGE);
  GQuark quark = *domain != '\0' ? find_domain (domain) : 0;
  g_autofree char *bounded_domain = NULL;

  if (quark != 0)
    return g_error_new_literal (quark, code, bounded);
  bounded_domain = dup_bounded (domain, MAX_DOMAIN);
  return g_error_new (FERRY_ERROR, FERRY_ERROR_REMOTE,
                      "%s (code %d of the error domain “%s”, which this process does not know)", bounded, code,
                      bounded_domain);
}

static char *
make_trace (const char *trace, GVariantIter *notes)
{
  g_autofree char *bounded = dup_bounded (trace, FERRY_MAX_TRACE);
  GString *text = g_string_new (bounded);
  const char *note;

  for (guint i = 0; i < MAX_NOTES && g_variant_iter_next (notes, "&s", &note); i++)
    {
      g_autofree char *bounded_note = dup_bounded (note, MAX_NOTE);

      if (text->len > 0 && text->str[text->len - 1] != '\n')
        g_string_append_c (text, '\n');
      g_string_append_printf (text, "note: %s\n", bounded_note);
    }
  return g_string_free (text, text->len == 0);
}

/* trace is (out) (optional) (nullable) (transfer full). */
GError *
ferry_error_from_variant (GVariant *variant, char **trace)
{
  g_autoptr (GVariantIter) notes = NULL;
  const char *domain;
  const char *message;
  const char *text;
  gint32 code;

  if (trace != NULL)
    *trace = NULL;
  if (variant == NULL || !g_variant_is_of_type (variant, G_VARIANT_TYPE (FERRY_ERROR_VARIANT_TYPE)))
    return g_error_new (FERRY_ERROR, FERRY_ERROR_REMOTE, "An error of another process came as a value of type %s",
                        variant != NULL ? g_variant_get_type_string (variant) : "none");
  g_variant_get (variant, "(&si&s&sas)", &domain, &code, &message, &text, &notes);
  if (trace != NULL)
    *trace = make_trace (text, notes);
  return make_error (domain, code, message);
}

/* ---- traces ---- */

static char *
dup_process_name (void)
{
  g_autofree char *name = NULL;

  if (!g_file_get_contents ("/proc/self/comm", &name, NULL, NULL))
    name = g_strdup (program_invocation_short_name);
  return dup_bounded (g_strchomp (name), MAX_DOMAIN);
}

char *
ferry_trace_add_place (const char *inner, const char *function)
{
  g_autofree char *name = dup_bounded (function, MAX_DOMAIN);
  g_autofree char *process = dup_process_name ();
  g_autofree char *line = NULL;
  g_autofree char *kept = NULL;

  /* A line a place, whatever the names are. */
  g_strdelimit (name, "\r\n", ' ');
  g_strdelimit (process, "\r\n", ' ');
  line = g_strdup_printf ("in function “%s” of process %d (%s)\n", name, (int) getpid (), process);
  if (inner == NULL || *inner == '\0')
    return g_steal_pointer (&line);
  /* Room for the line, and for a line end before it. */
  kept = dup_bounded (inner, FERRY_MAX_TRACE - strlen (line) - 1);
  return g_strconcat (kept, g_str_has_suffix (kept, "\n") ? "" : "\n", line, NULL);
}

char *
ferry_trace_new_backtrace (guint skip)
{
  void *frames[MAX_FRAMES];
  int n_frames = backtrace (frames, MAX_FRAMES);
  char **symbols = backtrace_symbols (frames, n_frames);
  g_autoptr (GString) text = g_string_new (NULL);

  /* This function's own frame is the innermost. */
  for (gint64 i = (gint64) skip + 1; symbols != NULL && i < n_frames; i++)
    {
      g_autofree char *symbol = dup_bounded (symbols[i], MAX_NOTE);

      if (text->len + strlen (symbol) + 6 > MAX_BACKTRACE)
        break;
      g_string_append_printf (text, "    %s\n", symbol);
    }
  free (symbols);
  return text->len > 0 ? g_strdup (text->str) : NULL;
}

/* ---- traces of errors that came home ---- */

typedef struct
{
  GError *error; /* (owned) */
  char *trace;   /* (owned) */
  gsize size;
  GList link; /* in newest */
} Trace;

static pthread_mutex_t traces_lock = PTHREAD_MUTEX_INITIALIZER;
static GQueue newest = G_QUEUE_INIT; /* traces_lock: (element-type Trace): the newest first, by link */
static GHashTable *by_error;         /* traces_lock: (element-type GError Trace): keys and values unowned */
static gsize n_bytes;                /* traces_lock */

static guint
hash_error (gconstpointer data)
{
  const GError *error = data;

  return g_str_hash (error->message) ^ error->domain ^ (guint) error->code << 16;
}

static gboolean
equal_errors (gconstpointer a, gconstpointer b)
{
  const GError *one = a;
  const GError *other = b;

  return one->domain == other->domain && one->code == other->code && strcmp (one->message, other->message) == 0;
}

static void
drop_locked (Trace *trace)
{
  g_hash_table_remove (by_error, trace->error);
  g_queue_unlink (&newest, &trace->link);
  n_bytes -= trace->size;
  g_error_free (trace->error);
  g_free (trace->trace);
  g_free (trace);
}

void
ferry_trace_remember (const GError *error, const char *trace)
{
  Trace *remembered = g_new0 (Trace, 1);
  Trace *alike;

  remembered->error = g_error_copy (error);
  remembered->trace = dup_bounded (trace, 2 * FERRY_MAX_TRACE);
  remembered->size = sizeof *remembered + strlen (error->message) + strlen (remembered->trace);
  remembered->link.data = remembered;
  pthread_mutex_lock (&traces_lock);
  if (by_error == NULL)
    by_error = g_hash_table_new (hash_error, equal_errors);
  alike = g_hash_table_lookup (by_error, error);
  if (alike != NULL)
    drop_locked (alike);
  g_hash_table_insert (by_error, remembered->error, remembered);
  g_queue_push_head_link (&newest, &remembered->link);
  n_bytes += remembered->size;
  while (newest.length > MAX_TRACES || (n_bytes > MAX_BYTES && newest.length > 1))
    drop_locked (newest.tail->data);
  pthread_mutex_unlock (&traces_lock);
}

/**
 * ferry_error_get_trace:
 * @error: an error, as it came from a worker
 *
 * Where an error that came from another process was raised, as text: a line for each place that handed it on, the
 * innermost first, with a backtrace below where there is one.
 *
 * An error has room for a domain, a code and a message, and for nothing else. So the traces of the latest 1,024 errors
 * that came from other processes are kept apart (fewer when they are very long), and found by these three. When several
 * errors were alike in all three, the trace is that of the newest. An error that was changed on its way, by
 * `g_prefix_error()` for example, is not found.
 *
 * May be called from any thread.
 *
 * Returns: (transfer full) (nullable): the trace, %NULL when there is none
 *
 * Since: 0.1
 */
char *
ferry_error_get_trace (const GError *error)
{
  Trace *trace;
  char *copy;

  g_return_val_if_fail (error != NULL, NULL);

  pthread_mutex_lock (&traces_lock);
  trace = by_error != NULL ? g_hash_table_lookup (by_error, error) : NULL;
  copy = trace != NULL ? g_strdup (trace->trace) : NULL;
  pthread_mutex_unlock (&traces_lock);
  return copy;
}
