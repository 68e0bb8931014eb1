/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Errors that cross a border: as values and back, with their traces.
 *
 * An error of FERRY_ERROR carries its trace. A GError of another domain cannot carry one, and this file is not
 * notified when it is freed or copied. So the process has a table of the traces of the latest errors.
 *
 * The table finds an error by its address and the address of its message, which is reliable while the error exists.
 * Afterwards another error with the same content may have the same address. So a function that passes an error on gets
 * only traces that were set after its work began, never the trace of an earlier failure. An error that another library
 * copied is found by domain, code and message. The trace of such a copy is only shown, and never passed on.
 *
 * Threads:   any; the table has a lock.
 * Trust:     a value is not trusted: GVariant checks that strings are valid UTF-8, and this file limits their
 *            lengths. Quarks are never freed, so only a limited number of them is made for names of domains that this
 *            process has not used. A name must also look like one of a domain.
 * Invariant: newest contains all traces, at most MAX_TRACES and MAX_BYTES of them. Each trace is also in by_place,
 *            in by_error or in both. */

#include "config.h"

#include "wire/ferry-remote-error-private.h"

#include <errno.h>
#include <execinfo.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/ferry-base-private.h"

/* Limits of an error that is sent, in bytes: its message, the name of its domain, and each of its notes. The limit of a
 * trace is FERRY_MAX_TRACE. */
#define MAX_MESSAGE (64 * 1024)
#define MAX_DOMAIN 255
/* How many quarks are made at the most for domains that only other processes have named. All of them share this number.
 * An error may have come through lists and processes in between, and a worker that is started again would have a new
 * share. So a bound for each would not bound them for long. Names that this process has used are not counted. */
#define MAX_NEW_DOMAINS 256
#define MAX_NOTES 16
#define MAX_NOTE 1024
/* Limits of a backtrace: its frames, and its bytes. */
#define MAX_FRAMES 64
#define MAX_BACKTRACE 8192
/* How many traces of errors of other domains are kept at the most, and how many bytes of them. */
#define MAX_TRACES 1024
#define MAX_BYTES (8 * 1024 * 1024)

#define CUT "..."

/* Returns (transfer full) a copy of text of at most limit bytes, as valid UTF-8. It ends with CUT if text was cut. */
static char *
dup_bounded (const char *text, gsize limit)
{
  /* Reads at most limit + 1 bytes of text. */
  g_autofree char *valid = g_utf8_make_valid (text, (gssize) strnlen (text, limit + 1));
  gsize length = limit - strlen (CUT);

  if (strlen (valid) <= limit)
    return g_steal_pointer (&valid);
  /* Moves the cut to the beginning of a UTF-8 character. */
  while (length > 0 && ((guchar) valid[length] & 0xc0) == 0x80)
    length--;
  return g_strdup_printf ("%.*s%s", (int) length, valid, CUT);
}

/* ---- as values ---- */

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

/* Whether name can be the name of an error domain: letters, digits and some signs, beginning with a letter. */
static gboolean
is_domain_name (const char *name)
{
  return g_ascii_isalpha (*name) && strnlen (name, MAX_DOMAIN + 1) <= MAX_DOMAIN &&
         name[strspn (name, G_CSET_A_2_Z G_CSET_a_2_z G_CSET_DIGITS "-_.:+/")] == '\0';
}

/* Returns the quark of a name that no code of this process has used so far, or 0. */
static GQuark
add_domain (const char *name)
{
  static pthread_mutex_t domains_lock = PTHREAD_MUTEX_INITIALIZER;
  static guint n_new_domains; /* domains_lock */
  GQuark quark;

  if (!is_domain_name (name))
    return 0;
  FERRY_AUTO_LOCK (&domains_lock);
  quark = g_quark_try_string (name);
  if (quark != 0 || n_new_domains == MAX_NEW_DOMAINS)
    return quark;
  n_new_domains++;
  return g_quark_from_string (name);
}

/* Returns the quark of a domain, or 0 if there is none and none may be made. */
static GQuark
find_domain (const char *name)
{
  static gsize registered;
  GQuark quark;

  /* The common domains are registered here, so that they do not count as new ones. */
  if (g_once_init_enter (&registered))
    g_once_init_leave (&registered,
                       FERRY_ERROR | G_IO_ERROR | G_FILE_ERROR | G_SPAWN_ERROR | G_CONVERT_ERROR | G_KEY_FILE_ERROR);
  quark = g_quark_try_string (name);
  return quark != 0 ? quark : add_domain (name);
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
                      "%s (code %d of the error domain '%s', which this process does not know)", bounded, code,
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

  /* Line ends in a name become spaces, so that each place is one line. */
  g_strdelimit (name, "\r\n", ' ');
  g_strdelimit (process, "\r\n", ' ');
  line = g_strdup_printf ("in function '%s' of process %d (%s)\n", name, (int) getpid (), process);
  if (inner == NULL || *inner == '\0')
    return g_steal_pointer (&line);
  /* Leaves room for the new line, and for a line end before it. */
  kept = dup_bounded (inner, FERRY_MAX_TRACE - strlen (line) - 1);
  return g_strconcat (kept, g_str_has_suffix (kept, "\n") ? "" : "\n", line, NULL);
}

char *
ferry_trace_drop_place (const char *trace, const char *function)
{
  g_autofree char *begin = g_strdup_printf ("in function '%s' of process ", function);
  const char *place = trace;
  const char *end;

  while (place != NULL && !g_str_has_prefix (place, begin))
    {
      place = strchr (place, '\n');
      place = place != NULL ? place + 1 : NULL;
    }
  if (place == NULL)
    return g_strdup (trace);
  end = strchrnul (place, '\n');
  end += *end == '\n';
  return place > trace || *end != '\0' ? g_strdup_printf ("%.*s%s", (int) (place - trace), trace, end) : NULL;
}

char *
ferry_trace_new_backtrace (guint skip)
{
  void *frames[MAX_FRAMES];
  int n_frames = backtrace (frames, MAX_FRAMES);
  char **symbols = backtrace_symbols (frames, n_frames);
  g_autoptr (GString) text = g_string_new (NULL);

  /* The innermost frame is that of this function, so one more frame is skipped. */
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

/* ---- the trace of an error ---- */

typedef struct
{
  /* (nullable): the address of the error, which is never read. NULL if the error carries its trace */
  const GError *place;
  const char *message_place; /* the address of the error's message, never read */
  guint64 number;
  GError *error;     /* (owned): a copy */
  GRefString *trace; /* (owned) */
  gsize size;
  GList link; /* the link in newest */
} Trace;

static pthread_mutex_t traces_lock = PTHREAD_MUTEX_INITIALIZER;
static GQueue newest = G_QUEUE_INIT; /* traces_lock: (element-type Trace): the newest trace first, by link */
/* traces_lock: (element-type GError Trace): the key is the error's address; values unowned */
static GHashTable *by_place;
static GHashTable *by_error; /* traces_lock: (element-type GError Trace): the key is the error's content, the value its
                                newest trace; unowned */
static gsize n_bytes;        /* traces_lock */
static _Atomic guint64 n_traces; /* how many traces were set so far; written with traces_lock held */

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
  if (g_hash_table_lookup (by_place, trace->place) == trace)
    g_hash_table_remove (by_place, trace->place);
  if (g_hash_table_lookup (by_error, trace->error) == trace)
    g_hash_table_remove (by_error, trace->error);
  g_queue_unlink (&newest, &trace->link);
  n_bytes -= trace->size;
  g_error_free (trace->error);
  g_ref_string_release (trace->trace);
  g_free (trace);
}

static void
insert_locked (Trace *trace)
{
  Trace *same_place;
  Trace *equal;

  if (by_error == NULL)
    {
      by_place = g_hash_table_new (NULL, NULL);
      by_error = g_hash_table_new (hash_error, equal_errors);
    }
  same_place = trace->place != NULL ? g_hash_table_lookup (by_place, trace->place) : NULL;
  if (same_place != NULL)
    {
      /* The error at this address was freed, but copies of it may exist, and are found by their content. */
      g_hash_table_remove (by_place, same_place->place);
      same_place->place = NULL;
      if (g_hash_table_lookup (by_error, same_place->error) != same_place)
        drop_locked (same_place);
    }
  equal = g_hash_table_lookup (by_error, trace->error);
  /* Drops an equal trace without a place, as no table would find it any more. An equal trace with a place is still
   * in by_place. */
  if (equal != NULL && equal->place == NULL)
    drop_locked (equal);
  if (trace->place != NULL)
    g_hash_table_insert (by_place, (gpointer) trace->place, trace);
  /* replace, not insert: the old key is owned by another trace, which may be freed earlier. */
  g_hash_table_replace (by_error, trace->error, trace);
  g_queue_push_head_link (&newest, &trace->link);
  n_bytes += trace->size;
  while (newest.length > MAX_TRACES || (n_bytes > MAX_BYTES && newest.length > 1))
    drop_locked (newest.tail->data);
}

/* Returns (transfer full) (nullable) the trace of the error at this address. since: see ferry_error_dup_trace(). */
static GRefString *
find_by_place (const GError *error, guint64 since)
{
  Trace *trace;
  FERRY_AUTO_LOCK (&traces_lock);

  trace = by_place != NULL ? g_hash_table_lookup (by_place, error) : NULL;
  if (trace == NULL || trace->message_place != error->message || trace->number <= since ||
      !equal_errors (trace->error, error))
    return NULL;
  return g_ref_string_acquire (trace->trace);
}

/* Sets the trace of error to text, which must be of limited length already. */
static void
set_trace (GError *error, GRefString *text)
{
  gboolean carries = error->domain == FERRY_ERROR;
  Trace *trace = g_new0 (Trace, 1);

  if (carries)
    ferry_error_set_carried_trace (error, text);
  trace->place = carries ? NULL : error;
  trace->message_place = error->message;
  trace->error = g_error_new_literal (error->domain, error->code, error->message);
  trace->trace = g_ref_string_acquire (text);
  trace->size = sizeof *trace + strlen (error->message) + g_ref_string_length (text);
  trace->link.data = trace;
  FERRY_AUTO_LOCK (&traces_lock);
  /* Relaxed: n_traces is written, and compared with numbers, only under the lock. */
  trace->number = atomic_load_explicit (&n_traces, memory_order_relaxed) + 1;
  atomic_store_explicit (&n_traces, trace->number, memory_order_relaxed);
  insert_locked (trace);
}

guint64
ferry_trace_get_moment (void)
{
  /* Relaxed: if another thread has passed an error to this thread, the error's trace is counted already. */
  return atomic_load_explicit (&n_traces, memory_order_relaxed);
}

void
ferry_error_set_trace (GError *error, const char *trace)
{
  g_autofree char *bounded = dup_bounded (trace, 2 * FERRY_MAX_TRACE);
  g_autoptr (GRefString) shared = g_ref_string_new (bounded);

  set_trace (error, shared);
}

char *
ferry_error_dup_trace (const GError *error, guint64 since)
{
  g_autoptr (GRefString) found = NULL;

  if (error->domain == FERRY_ERROR)
    return g_strdup (ferry_error_get_carried_trace (error));
  found = find_by_place (error, since);
  return g_strdup (found);
}

/**
 * ferry_error_from_variant:
 * @variant: (nullable): an error as a value of the type `(sissas)`: domain, code, message, trace or an empty text, and
 *   notes of what failed besides
 * @trace: (out) (optional) (nullable) (transfer full): return location for the trace, with a line for each note at its
 *   end
 *
 * Makes an error of a value that another process may have sent, and gives the error its trace: see
 * [func@Ferry.Error.get_trace].
 *
 * Texts that are too long are cut: a message after 64 KiB, a trace after 16 KiB. An error of a domain that cannot be
 * taken over becomes %FERRY_ERROR_REMOTE, and so does a value that is no error. May be called from any thread.
 *
 * Returns: (transfer full): the error
 */
GError *
ferry_error_from_variant (GVariant *variant, char **trace)
{
  g_autoptr (GVariantIter) notes = NULL;
  g_autofree char *whole = NULL;
  const char *domain;
  const char *message;
  const char *text;
  GError *error;
  gint32 code;

  if (trace != NULL)
    *trace = NULL;
  if (variant == NULL || !g_variant_is_of_type (variant, G_VARIANT_TYPE (FERRY_ERROR_VARIANT_TYPE)))
    return g_error_new (
      FERRY_ERROR, FERRY_ERROR_REMOTE,
      "Another process sent an error as a value of the wrong type %s; use the same version of Ferry at both ends",
      variant != NULL ? g_variant_get_type_string (variant) : "none");
  g_variant_get (variant, "(&si&s&sas)", &domain, &code, &message, &text, &notes);
  error = make_error (domain, code, message);
  whole = make_trace (text, notes);
  if (whole != NULL)
    ferry_error_set_trace (error, whole);
  if (trace != NULL)
    *trace = g_steal_pointer (&whole);
  return error;
}

GError *
ferry_error_copy_since (const GError *error, guint64 since)
{
  GError *copy = g_error_copy (error);
  g_autoptr (GRefString) trace = error->domain != FERRY_ERROR ? find_by_place (error, since) : NULL;

  if (trace != NULL)
    set_trace (copy, trace);
  return copy;
}

GError *
ferry_error_copy (const GError *error)
{
  return ferry_error_copy_since (error, 0);
}

GError *
ferry_error_copy_with_trace (const GError *error, const char *trace)
{
  GError *copy = g_error_copy (error);

  if (trace != NULL)
    ferry_error_set_trace (copy, trace);
  return copy;
}

/**
 * ferry_error_get_trace:
 * @error: an error that came from another process
 *
 * Gets the trace of an error, as text. The trace has a line for the function that raised the error in the other
 * process, and for each function that passed the error on. The innermost function comes first. Below a function's line
 * there may be a backtrace.
 *
 * An error of `FERRY_ERROR` carries its trace, and so do its copies, even if their message was changed. An error of
 * another domain cannot carry a trace. Ferry keeps the latest 1,024 traces of such errors, or fewer if they are very
 * long.
 *
 * For an error that has no trace of its own, this function returns the newest trace of an error with the same domain,
 * code and message. So it also finds the traces of copies, and of errors that a language binding has made anew. The
 * trace of an error of another domain is not found after its message was changed, for example by `g_prefix_error()`.
 *
 * May be called from any thread.
 *
 * Returns: (transfer full) (nullable): the trace, or %NULL if there is none
 */
char *
ferry_error_get_trace (const GError *error)
{
  Trace *equal;
  char *own;

  g_return_val_if_fail (error != NULL, NULL);

  own = ferry_error_dup_trace (error, 0);
  if (own != NULL)
    return own;
  FERRY_AUTO_LOCK (&traces_lock);
  equal = by_error != NULL ? g_hash_table_lookup (by_error, error) : NULL;
  return equal != NULL ? g_strdup (equal->trace) : NULL;
}
