/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* A queue's file: the SQLite database, its tables, and what is done where it is damaged.
 *
 * It has a row a task. docs/protocol.md has its format.
 *
 * Every code that SQLite returns is looked at. A damaged database is not repaired in place: its rows that are whole go
 * to a new file, which then takes the place of the old one. An end at any moment leaves one of the two. The new one is
 * made in the folder of values, where nobody else has files.
 *
 * Threads: one at a time, which may wait for the disk: the queue's, see ferry-queue-store.c.
 * Trust:   the file is the user's own, and may be damaged. Each row has checksums, since SQLite has none. */

#include "config.h"

#include "queue/ferry-queue-file-private.h"

#include <errno.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/ferry-base-private.h"
#include "queue/ferry-queue-lock-private.h"
#include "queue/ferry-queue-log-private.h"
#include "queue/ferry-queue-sum-private.h"

/* After the path: the folder of values that are in files, and in it what takes the place of a damaged database, while
 * it is written and once it is whole. */
#define VALUES_SUFFIX ".values"
#define DRAFT_SUFFIX VALUES_SUFFIX "/draft"
#define NEW_SUFFIX VALUES_SUFFIX "/new"

/* “Frry” */
#define APPLICATION_ID 0x46727279
/* The second one has tasks that were sent away, and a file has it once one was. */
#define FIRST_FORMAT 1
#define FORMAT 2

/* How long another program that looks into the file may keep it from being written, in milliseconds. */
#define BUSY_TIMEOUT 2000
/* How many pages a back-up copies until something else may be written. They become more where it does not come nearer
 * to its end by that. */
#define N_PAGES 256

static const char schema[] =
  "CREATE TABLE task (id INTEGER PRIMARY KEY, key TEXT NOT NULL UNIQUE, made_up INT NOT NULL, kind INT NOT NULL,"
  " function TEXT NOT NULL, name TEXT, arguments BLOB, settings BLOB NOT NULL, version INT NOT NULL,"
  " submitted INT NOT NULL, about_sum INT NOT NULL,"
  " state INT NOT NULL, place INT NOT NULL, priority INT NOT NULL, paused INT NOT NULL, attempts INT NOT NULL,"
  " deaths INT NOT NULL, not_before INT NOT NULL, began INT NOT NULL, ended INT NOT NULL, result BLOB, error BLOB,"
  " state_sum INT NOT NULL);"
  "CREATE TABLE known (key TEXT PRIMARY KEY, state INT NOT NULL, ended INT NOT NULL, sum INT NOT NULL) WITHOUT ROWID;"
  "CREATE TABLE queue (name TEXT PRIMARY KEY, value INT NOT NULL) WITHOUT ROWID;";

#define TASK_COLUMNS                                                                                                   \
  "id, key, made_up, kind, function, name, arguments, settings, version, submitted, about_sum, state, place, "         \
  "priority, paused, attempts, deaths, not_before, began, ended, result, error, state_sum"
/* The first of the columns that say how a task stands. */
#define FIRST_OF_STATE 11

enum
{
  STATEMENT_INSERT,
  STATEMENT_UPDATE,
  STATEMENT_DELETE,
  STATEMENT_REMEMBER,
  STATEMENT_FORGET,
  STATEMENT_SET,
  STATEMENT_FORMAT,
  STATEMENT_BEGIN,
  STATEMENT_COMMIT,
  N_STATEMENTS,
};

static const char *const statements[N_STATEMENTS] = {
  [STATEMENT_INSERT] = "INSERT OR REPLACE INTO task (" TASK_COLUMNS
                       ") VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19,"
                       " ?20, ?21, ?22, ?23)",
  [STATEMENT_UPDATE] = "UPDATE task SET state = ?12, place = ?13, priority = ?14, paused = ?15, attempts = ?16,"
                       " deaths = ?17, not_before = ?18, began = ?19, ended = ?20, result = ?21, error = ?22,"
                       " state_sum = ?23 WHERE id = ?1",
  [STATEMENT_DELETE] = "DELETE FROM task WHERE id = ?1",
  [STATEMENT_REMEMBER] = "INSERT OR REPLACE INTO known (key, state, ended, sum) VALUES (?1, ?2, ?3, ?4)",
  [STATEMENT_FORGET] = "DELETE FROM known WHERE key = ?1",
  [STATEMENT_SET] = "INSERT OR REPLACE INTO queue (name, value) VALUES (?1, ?2)",
  [STATEMENT_FORMAT] = "PRAGMA user_version=" G_STRINGIFY (FORMAT),
  [STATEMENT_BEGIN] = "BEGIN IMMEDIATE",
  [STATEMENT_COMMIT] = "COMMIT",
};

struct _FerryQueueFile
{
  char *path;           /* const */
  FerryQueueLock *lock; /* (owned) */
  sqlite3 *database;    /* (owned) (nullable) */
  sqlite3_stmt *prepared[N_STATEMENTS];
  gboolean is_begun;     /* it is written; else it could be read, and there was no room for more */
  gboolean is_alone;     /* nobody else may look into it meanwhile */
  char *folder;          /* const: of the values that are in files */
  GHashTable *rows;      /* (owned) (element-type gint64 RowFiles): the rows that have such values, by their id */
  sqlite3 *draft;        /* (owned) (nullable): the draft of a back-up */
  sqlite3_backup *pages; /* (owned) (nullable): what is to be copied to it */
  int n_pages;           /* of them, at a time */
  int n_remaining;
  GPtrArray *held; /* (owned) (nullable): files of values that no row names any more, while a back-up copies them */
};

/* The names of the files that a row has. */
typedef struct
{
  gint64 id;
  char *arguments; /* (owned) (nullable) */
  char *result;    /* (owned) (nullable) */
} RowFiles;

char *
ferry_queue_file_name_folder (const char *path)
{
  return g_strconcat (path, VALUES_SUFFIX, NULL);
}

/* ---- changes and content ---- */

FerryQueueChange *
ferry_queue_change_of (FerryQueueChangeKind kind, const FerryQueueRow *row)
{
  FerryQueueChange *self = g_new (FerryQueueChange, 1);

  *self = (FerryQueueChange){kind, ferry_queue_row_copy (row)};
  return self;
}

static const char *
name_of (const FerryQueueValue *value)
{
  return value != NULL ? ferry_queue_value_get_name (value) : NULL;
}

gboolean
ferry_queue_change_has_file (const FerryQueueChange *self)
{
  return name_of (self->row.arguments) != NULL || name_of (self->row.result) != NULL;
}

void
ferry_queue_change_free (FerryQueueChange *self)
{
  ferry_queue_row_clear (&self->row);
  g_free (self);
}

static GArray *
rows_new (void)
{
  GArray *self = g_array_new (FALSE, TRUE, sizeof (FerryQueueRow));

  g_array_set_clear_func (self, (GDestroyNotify) ferry_queue_row_clear);
  return self;
}

static FerryQueueRow *
get_row (GArray *rows, guint i)
{
  return &g_array_index (rows, FerryQueueRow, i);
}

FerryQueueContent *
ferry_queue_content_make (void)
{
  FerryQueueContent *self = g_new0 (FerryQueueContent, 1);

  self->rows = rows_new ();
  self->known = rows_new ();
  return self;
}

void
ferry_queue_content_free (FerryQueueContent *self)
{
  g_array_unref (self->rows);
  g_array_unref (self->known);
  g_clear_error (&self->damage);
  g_clear_error (&self->obstacle);
  g_free (self);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC (FerryQueueContent, ferry_queue_content_free)

/* ---- checksums: over the columns, each with its length ---- */

static guint64
add_bytes (guint64 sum, gconstpointer data, gssize size)
{
  return ferry_queue_sum_add_bytes (ferry_queue_sum_add_number (sum, (guint64) size), data, (gsize) MAX (size, 0));
}

static guint64
add_text (guint64 sum, const char *text)
{
  return add_bytes (sum, text, text != NULL ? (gssize) strlen (text) : -1);
}

static guint64
add_blob (guint64 sum, GBytes *blob)
{
  gsize size = 0;
  gconstpointer data = blob != NULL ? g_bytes_get_data (blob, &size) : NULL;

  return add_bytes (sum, data, blob != NULL ? (gssize) size : -1);
}

/* One in a file begins with a length that no blob has. */
static guint64
add_value (guint64 sum, const FerryQueueValue *value)
{
  if (value != NULL && ferry_queue_value_get_text (value) != NULL)
    return add_text (ferry_queue_sum_add_number (sum, (guint64) -2), ferry_queue_value_get_text (value));
  return add_blob (sum, value != NULL ? ferry_queue_value_get_bytes (value) : NULL);
}

static gint64
sum_about (const FerryQueueRow *row)
{
  guint64 sum = FERRY_QUEUE_SUM_START;

  sum = ferry_queue_sum_add_number (sum, (guint64) row->id);
  sum = add_text (sum, row->key);
  sum = ferry_queue_sum_add_number (sum, row->made_up);
  sum = ferry_queue_sum_add_number (sum, row->kind);
  sum = add_text (sum, row->function);
  sum = add_text (sum, row->name);
  sum = add_value (sum, row->arguments);
  sum = add_blob (sum, row->settings);
  sum = ferry_queue_sum_add_number (sum, row->version);
  return (gint64) ferry_queue_sum_add_number (sum, (guint64) row->submitted);
}

/* What the column paused has: bits. */
#define IS_PAUSED 1
#define IS_SENT 2

static gint64
get_holds (const FerryQueueRow *row)
{
  return (row->paused ? IS_PAUSED : 0) | (row->sent ? IS_SENT : 0);
}

static gint64
sum_state (const FerryQueueRow *row)
{
  const gint64 numbers[] = {row->id,       row->state,  row->place,      row->priority, get_holds (row),
                            row->attempts, row->deaths, row->not_before, row->began,    row->ended};
  guint64 sum = FERRY_QUEUE_SUM_START;

  for (gsize i = 0; i < G_N_ELEMENTS (numbers); i++)
    sum = ferry_queue_sum_add_number (sum, (guint64) numbers[i]);
  return (gint64) add_blob (add_value (sum, row->result), row->error);
}

static gint64
sum_known (const FerryQueueRow *row)
{
  guint64 sum = add_text (FERRY_QUEUE_SUM_START, row->key);

  return (gint64) ferry_queue_sum_add_number (ferry_queue_sum_add_number (sum, row->state), (guint64) row->ended);
}

/* ---- statements ---- */

static gboolean
is_damage (int code)
{
  return (code & 0xff) == SQLITE_CORRUPT || (code & 0xff) == SQLITE_NOTADB || (code & 0xff) == SQLITE_FORMAT;
}

/* Memory that a write-ahead log needs is a file, too. */
static gboolean
lacks_room (FerryQueueFile *self, int code)
{
  int number = self->database != NULL ? sqlite3_system_errno (self->database) : 0;

  return (code & 0xff) == SQLITE_FULL || code == SQLITE_IOERR_SHMSIZE ||
         ((code & 0xff) == SQLITE_IOERR && (number == ENOSPC || number == EDQUOT));
}

static gboolean
set_error_of (const char *path, const char *why, int code, GError **error)
{
  GIOErrorEnum kind = G_IO_ERROR_FAILED;
  const char *remedy = "see what the system's log says of the disk";

  switch (code & 0xff)
    {
    case SQLITE_FULL:
      kind = G_IO_ERROR_NO_SPACE;
      remedy = "make room on its disk";
      break;
    case SQLITE_READONLY:
    case SQLITE_CANTOPEN:
    case SQLITE_PERM:
      kind = G_IO_ERROR_READ_ONLY;
      remedy = "allow this user to write the file and its folder";
      break;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      kind = G_IO_ERROR_BUSY;
      remedy = "end the program that looks into it";
      break;
    default:
      break;
    }
  g_set_error (error, G_IO_ERROR, kind, "The queue '%s' cannot be stored: %s; %s", path, why, remedy);
  return FALSE;
}

static gboolean
set_error (FerryQueueFile *self, int code, GError **error)
{
  if (lacks_room (self, code))
    return set_error_of (self->path, g_strerror (ENOSPC), SQLITE_FULL, error);
  return set_error_of (self->path, self->database != NULL ? sqlite3_errmsg (self->database) : sqlite3_errstr (code),
                       code, error);
}

static gboolean
execute (FerryQueueFile *self, const char *text, GError **error)
{
  int code = sqlite3_exec (self->database, text, NULL, NULL, NULL);

  return code == SQLITE_OK || set_error (self, code, error);
}

/* Runs a query of one number. *code: of SQLite. */
static gint64
ask_number (FerryQueueFile *self, const char *text, int *code)
{
  sqlite3_stmt *statement = NULL;
  gint64 number = 0;

  *code = sqlite3_prepare_v2 (self->database, text, -1, &statement, NULL);
  if (*code == SQLITE_OK)
    *code = sqlite3_step (statement);
  if (*code == SQLITE_ROW)
    {
      number = sqlite3_column_int64 (statement, 0);
      *code = SQLITE_OK;
    }
  else if (*code == SQLITE_DONE)
    *code = SQLITE_OK;
  sqlite3_finalize (statement);
  return number;
}

static gboolean
prepare (FerryQueueFile *self, GError **error)
{
  for (guint i = 0; i < N_STATEMENTS; i++)
    {
      int code =
        sqlite3_prepare_v3 (self->database, statements[i], -1, SQLITE_PREPARE_PERSISTENT, &self->prepared[i], NULL);

      if (code != SQLITE_OK)
        return set_error (self, code, error);
    }
  return TRUE;
}

static void
bind_blob (sqlite3_stmt *statement, int place, GBytes *blob)
{
  gsize size = 0;
  gconstpointer data = blob != NULL ? g_bytes_get_data (blob, &size) : NULL;

  if (blob == NULL)
    sqlite3_bind_null (statement, place);
  else if (size == 0)
    sqlite3_bind_zeroblob (statement, place, 0);
  else
    sqlite3_bind_blob64 (statement, place, data, size, SQLITE_STATIC);
}

static void
bind_text (sqlite3_stmt *statement, int place, const char *text)
{
  sqlite3_bind_text (statement, place, text, -1, SQLITE_STATIC);
}

static void
bind_value (sqlite3_stmt *statement, int place, const FerryQueueValue *value)
{
  if (value != NULL && ferry_queue_value_get_text (value) != NULL)
    bind_text (statement, place, ferry_queue_value_get_text (value));
  else
    bind_blob (statement, place, value != NULL ? ferry_queue_value_get_bytes (value) : NULL);
}

static void
bind_about (sqlite3_stmt *statement, const FerryQueueRow *row)
{
  bind_text (statement, 2, row->key);
  sqlite3_bind_int64 (statement, 3, row->made_up);
  sqlite3_bind_int64 (statement, 4, row->kind);
  bind_text (statement, 5, row->function);
  bind_text (statement, 6, row->name);
  bind_value (statement, 7, row->arguments);
  bind_blob (statement, 8, row->settings);
  sqlite3_bind_int64 (statement, 9, row->version);
  sqlite3_bind_int64 (statement, 10, row->submitted);
  sqlite3_bind_int64 (statement, 11, sum_about (row));
}

static void
bind_state (sqlite3_stmt *statement, const FerryQueueRow *row)
{
  const gint64 numbers[] = {row->state,  row->place,      row->priority, get_holds (row), row->attempts,
                            row->deaths, row->not_before, row->began,    row->ended};

  for (int i = 0; i < (int) G_N_ELEMENTS (numbers); i++)
    sqlite3_bind_int64 (statement, FIRST_OF_STATE + 1 + i, numbers[i]);
  bind_value (statement, 21, row->result);
  bind_blob (statement, 22, row->error);
  sqlite3_bind_int64 (statement, 23, sum_state (row));
}

static sqlite3_stmt *
bind_change (FerryQueueFile *self, const FerryQueueChange *change)
{
  const FerryQueueRow *row = &change->row;
  sqlite3_stmt *statement = NULL;

  switch (change->kind)
    {
    case FERRY_QUEUE_CHANGE_INSERT:
      statement = self->prepared[STATEMENT_INSERT];
      bind_about (statement, row);
      bind_state (statement, row);
      sqlite3_bind_int64 (statement, 1, row->id);
      break;
    case FERRY_QUEUE_CHANGE_UPDATE:
      statement = self->prepared[STATEMENT_UPDATE];
      bind_state (statement, row);
      sqlite3_bind_int64 (statement, 1, row->id);
      break;
    case FERRY_QUEUE_CHANGE_DELETE:
      statement = self->prepared[STATEMENT_DELETE];
      sqlite3_bind_int64 (statement, 1, row->id);
      break;
    case FERRY_QUEUE_CHANGE_REMEMBER:
      statement = self->prepared[STATEMENT_REMEMBER];
      bind_text (statement, 1, row->key);
      sqlite3_bind_int64 (statement, 2, row->state);
      sqlite3_bind_int64 (statement, 3, row->ended);
      sqlite3_bind_int64 (statement, 4, sum_known (row));
      break;
    case FERRY_QUEUE_CHANGE_FORGET:
      statement = self->prepared[STATEMENT_FORGET];
      bind_text (statement, 1, row->key);
      break;
    case FERRY_QUEUE_CHANGE_PAUSE:
      statement = self->prepared[STATEMENT_SET];
      bind_text (statement, 1, "paused");
      sqlite3_bind_int64 (statement, 2, row->paused);
      break;
    case FERRY_QUEUE_CHANGE_SEEN:
      statement = self->prepared[STATEMENT_SET];
      bind_text (statement, 1, "seen");
      sqlite3_bind_int64 (statement, 2, row->ended);
      break;
    case FERRY_QUEUE_CHANGE_NAME:
      statement = self->prepared[STATEMENT_SET];
      bind_text (statement, 1, "file");
      sqlite3_bind_int64 (statement, 2, row->id);
      break;
    case FERRY_QUEUE_CHANGE_FORMAT:
      statement = self->prepared[STATEMENT_FORMAT];
      break;
    }
  return statement;
}

static gboolean
step (FerryQueueFile *self, sqlite3_stmt *statement, GError **error)
{
  int code = sqlite3_step (statement);
  gboolean done = code == SQLITE_DONE || set_error (self, code, error);

  sqlite3_reset (statement);
  sqlite3_clear_bindings (statement);
  return done;
}

static gboolean
set_value (FerryQueueFile *self, const char *name, gint64 value, GError **error)
{
  sqlite3_stmt *statement = self->prepared[STATEMENT_SET];

  bind_text (statement, 1, name);
  sqlite3_bind_int64 (statement, 2, value);
  return step (self, statement, error);
}

/* The end of a transaction that has failed. SQLite has rolled some back by itself. */
static void
roll_back (FerryQueueFile *self)
{
  if (sqlite3_get_autocommit (self->database) == 0)
    sqlite3_exec (self->database, "ROLLBACK", NULL, NULL, NULL);
}

static gboolean
write_all (FerryQueueFile *self, GPtrArray *changes, GError **error)
{
  for (guint i = 0; i < changes->len; i++)
    if (!step (self, bind_change (self, g_ptr_array_index (changes, i)), error))
      return FALSE;
  return TRUE;
}

/* ---- values in files of their own ----
 *
 * A file is on the disk before the commit that names it, and is removed after the commit that does so no more. One that
 * no row names, after an end in between, is removed at the next start. */

static void
row_files_free (gpointer data)
{
  RowFiles *self = data;

  g_free (self->arguments);
  g_free (self->result);
  g_free (self);
}

/* Has the values of the changes packed, and those in files on the disk. */
static gboolean
write_values (GPtrArray *changes, GError **error)
{
  for (guint i = 0; i < changes->len; i++)
    {
      const FerryQueueRow *row = &((FerryQueueChange *) changes->pdata[i])->row;

      if ((row->arguments != NULL && !ferry_queue_value_write (row->arguments, error)) ||
          (row->result != NULL && !ferry_queue_value_write (row->result, error)))
        return FALSE;
    }
  return TRUE;
}

/* The row has that file, and no other one any more. What cannot be removed now is removed at the next start. */
static void
replace_file (FerryQueueFile *self, char **name, const char *new_name)
{
  g_autofree char *path = *name != NULL ? g_build_filename (self->folder, *name, NULL) : NULL;

  if (g_strcmp0 (*name, new_name) == 0)
    return;
  if (path != NULL && self->held != NULL)
    g_ptr_array_add (self->held, g_steal_pointer (&path));
  else if (path != NULL)
    unlink (path);
  g_free (*name);
  *name = g_strdup (new_name);
}

/* The row is in the file so; NULL: it is not any more. */
static void
note_files (FerryQueueFile *self, gint64 id, const FerryQueueRow *row)
{
  const char *arguments = row != NULL ? name_of (row->arguments) : NULL;
  const char *result = row != NULL ? name_of (row->result) : NULL;
  RowFiles *files = g_hash_table_lookup (self->rows, &id);

  if (files == NULL && arguments == NULL && result == NULL)
    return;
  if (files == NULL)
    {
      files = g_new0 (RowFiles, 1);
      files->id = id;
      g_hash_table_add (self->rows, files);
    }
  replace_file (self, &files->arguments, arguments);
  replace_file (self, &files->result, result);
  if (files->arguments == NULL && files->result == NULL)
    g_hash_table_remove (self->rows, &id);
}

static void
note_all_files (FerryQueueFile *self, GPtrArray *changes)
{
  for (guint i = 0; i < changes->len; i++)
    {
      const FerryQueueChange *change = changes->pdata[i];

      if (change->kind == FERRY_QUEUE_CHANGE_INSERT || change->kind == FERRY_QUEUE_CHANGE_UPDATE)
        note_files (self, change->row.id, &change->row);
      else if (change->kind == FERRY_QUEUE_CHANGE_DELETE)
        note_files (self, change->row.id, NULL);
    }
}

/* Returns (transfer full) the names of the files that rows have. */
static GHashTable *
list_named (FerryQueueFile *self)
{
  GHashTable *names = g_hash_table_new (g_str_hash, g_str_equal);
  GHashTableIter iter;
  gpointer key;

  g_hash_table_iter_init (&iter, self->rows);
  while (g_hash_table_iter_next (&iter, &key, NULL))
    {
      RowFiles *files = key;

      if (files->arguments != NULL)
        g_hash_table_add (names, files->arguments);
      if (files->result != NULL)
        g_hash_table_add (names, files->result);
    }
  return names;
}

/* (transfer full): the same, for another thread. */
static GPtrArray *
copy_names (FerryQueueFile *self)
{
  GPtrArray *names = g_ptr_array_new_with_free_func (g_free);
  g_autoptr (GHashTable) named = list_named (self);
  GHashTableIter iter;
  gpointer name;

  g_hash_table_iter_init (&iter, named);
  while (g_hash_table_iter_next (&iter, &name, NULL))
    g_ptr_array_add (names, g_strdup (name));
  return names;
}

/* Removes the files that no row names. aside: (nullable): a damaged database may: they are kept beside it. */
static void
remove_orphans (FerryQueueFile *self, const char *aside)
{
  g_autoptr (GHashTable) named = list_named (self);
  g_autofree char *kept = aside != NULL ? g_strconcat (aside, VALUES_SUFFIX, NULL) : NULL;
  g_autoptr (GDir) folder = g_dir_open (self->folder, 0, NULL);
  const char *name;

  while (folder != NULL && (name = g_dir_read_name (folder)) != NULL)
    {
      g_autofree char *path = g_build_filename (self->folder, name, NULL);
      g_autofree char *other = kept != NULL ? g_build_filename (kept, name, NULL) : NULL;

      if (!g_uuid_string_is_valid (name) || g_hash_table_contains (named, name))
        continue;
      if (other == NULL)
        unlink (path);
      else if (!ferry_queue_make_folder (kept) || rename (path, other) < 0)
        g_message ("'%s' stays, since it could not be put beside the damaged queue: %s", path, g_strerror (errno));
    }
}

static gboolean
write_changes (FerryQueueFile *self, GPtrArray *changes, GError **error)
{
  if (!write_values (changes, error))
    return FALSE;
  if (!step (self, self->prepared[STATEMENT_BEGIN], error) || !write_all (self, changes, error) ||
      !step (self, self->prepared[STATEMENT_COMMIT], error))
    {
      roll_back (self);
      return FALSE;
    }
  return TRUE;
}

/* ---- reading ---- */

/* (transfer full) (nullable) */
static char *
read_text (sqlite3_stmt *statement, int column)
{
  const char *text = (const char *) sqlite3_column_text (statement, column);

  return text != NULL ? g_ref_string_new (text) : NULL;
}

static GBytes *
read_blob (sqlite3_stmt *statement, int column)
{
  const void *data = sqlite3_column_blob (statement, column);
  const int size = sqlite3_column_bytes (statement, column);

  if (sqlite3_column_type (statement, column) == SQLITE_NULL)
    return NULL;
  return size > 0 ? g_bytes_new (data, (gsize) size) : ferry_queue_no_bytes ();
}

static FerryQueueValue *
read_value (FerryQueueFile *self, sqlite3_stmt *statement, int column)
{
  g_autoptr (GBytes) blob = NULL;

  if (sqlite3_column_type (statement, column) == SQLITE_TEXT)
    return ferry_queue_value_of_text (self->folder, (const char *) sqlite3_column_text (statement, column));
  blob = read_blob (statement, column);
  return blob != NULL ? ferry_queue_value_of_bytes (blob) : NULL;
}

/* Whether the row is whole. Takes what it has into row, which is all zero. */
static gboolean
read_row (FerryQueueFile *self, sqlite3_stmt *statement, FerryQueueRow *row)
{
  const char *function = (const char *) sqlite3_column_text (statement, 4);

  row->id = sqlite3_column_int64 (statement, 0);
  row->key = read_text (statement, 1);
  row->made_up = sqlite3_column_int64 (statement, 2) != 0;
  row->kind = (guint) sqlite3_column_int64 (statement, 3);
  row->function = function != NULL ? g_ref_string_new_intern (function) : NULL;
  row->name = read_text (statement, 5);
  row->arguments = read_value (self, statement, 6);
  row->settings = read_blob (statement, 7);
  row->version = (guint) sqlite3_column_int64 (statement, 8);
  row->submitted = sqlite3_column_int64 (statement, 9);
  row->state = (FerryQueueRowState) sqlite3_column_int64 (statement, 11);
  row->place = sqlite3_column_int64 (statement, 12);
  row->priority = (int) sqlite3_column_int64 (statement, 13);
  row->paused = (sqlite3_column_int64 (statement, 14) & IS_PAUSED) != 0;
  row->sent = (sqlite3_column_int64 (statement, 14) & IS_SENT) != 0;
  row->attempts = (guint) sqlite3_column_int64 (statement, 15);
  row->deaths = (guint) sqlite3_column_int64 (statement, 16);
  row->not_before = sqlite3_column_int64 (statement, 17);
  row->began = sqlite3_column_int64 (statement, 18);
  row->ended = sqlite3_column_int64 (statement, 19);
  row->result = read_value (self, statement, 20);
  row->error = read_blob (statement, 21);
  return row->id > 0 && row->key != NULL && row->function != NULL && row->state < FERRY_N_QUEUE_ROW_STATES &&
         sqlite3_column_int64 (statement, 10) == sum_about (row) &&
         sqlite3_column_int64 (statement, 22) == sum_state (row);
}

static gboolean
read_known (FerryQueueFile *self, sqlite3_stmt *statement, FerryQueueRow *row)
{
  row->key = read_text (statement, 0);
  row->state = (FerryQueueRowState) sqlite3_column_int64 (statement, 1);
  row->ended = sqlite3_column_int64 (statement, 2);
  return row->key != NULL && sqlite3_column_int64 (statement, 3) == sum_known (row);
}

typedef gboolean (*ReadFunc) (FerryQueueFile *self, sqlite3_stmt *statement, FerryQueueRow *row);

/* Adds the rows that are whole. Returns the code of SQLite, and counts those that are not. */
static int
read_all (FerryQueueFile *self, const char *query, ReadFunc read_one, GArray *rows, guint *n_bad)
{
  sqlite3_stmt *statement = NULL;
  int code = sqlite3_prepare_v2 (self->database, query, -1, &statement, NULL);

  if (code == SQLITE_OK)
    while ((code = sqlite3_step (statement)) == SQLITE_ROW)
      {
        g_array_set_size (rows, rows->len + 1);
        if (!read_one (self, statement, get_row (rows, rows->len - 1)))
          {
            g_array_set_size (rows, rows->len - 1);
            *n_bad += 1;
          }
      }
  sqlite3_finalize (statement);
  return code == SQLITE_DONE ? SQLITE_OK : code;
}

static int
compare_places (gconstpointer a, gconstpointer b)
{
  return ferry_queue_row_compare (a, b);
}

/* Most lists were never moved about, and are in their order already. */
static void
sort_by_place (GArray *rows)
{
  guint n = 1;

  while (n < rows->len && ferry_queue_row_compare (get_row (rows, n - 1), get_row (rows, n)) < 0)
    n++;
  if (n < rows->len)
    g_array_sort (rows, compare_places);
}

/* A page that is damaged ends a query. What lies behind it is found from the other end. */
static void
read_backwards (FerryQueueFile *self, GArray *rows, guint *n_bad)
{
  const FerryQueueRow *last = rows->len > 0 ? get_row (rows, rows->len - 1) : NULL;
  g_autofree char *query = g_strdup_printf (
    "SELECT " TASK_COLUMNS " FROM task WHERE id > %" G_GINT64_FORMAT " ORDER BY id DESC", last != NULL ? last->id : 0);

  read_all (self, query, read_row, rows, n_bad);
}

/* Reads all that is whole. Returns whether that is all there is; else the code of SQLite in *code, or rows were bad. */
static gboolean
read_content (FerryQueueFile *self, FerryQueueContent *content, int *code, guint *n_bad)
{
  int other;

  *code = read_all (self, "SELECT " TASK_COLUMNS " FROM task ORDER BY id", read_row, content->rows, n_bad);
  if (is_damage (*code))
    read_backwards (self, content->rows, n_bad);
  sort_by_place (content->rows);
  other = read_all (self, "SELECT key, state, ended, sum FROM known", read_known, content->known, n_bad);
  *code = *code == SQLITE_OK ? other : *code;
  content->paused = ask_number (self, "SELECT value FROM queue WHERE name = 'paused'", &other) != 0;
  *code = *code == SQLITE_OK ? other : *code;
  content->name = ask_number (self, "SELECT value FROM queue WHERE name = 'file'", &other);
  *code = *code == SQLITE_OK ? other : *code;
  content->seen = ask_number (self, "SELECT value FROM queue WHERE name = 'seen'", &other);
  *code = *code == SQLITE_OK ? other : *code;
  return *code == SQLITE_OK && *n_bad == 0;
}

/* ---- opening ---- */

/* Over a network the memory of a write-ahead log is not shared, and some file systems lie about locks of it. */
static const char *
choose_journal (const char *path)
{
  static const guint32 networks[] = {0x6969 /* NFS */,      0x517b /* SMB */,      0xff534d42 /* CIFS */,
                                     0xfe534d42 /* SMB2 */, 0x65735546 /* FUSE */, 0x01021997 /* 9P */,
                                     0x5346414f /* AFS */,  0x00c36400 /* Ceph */, 0x786f4256 /* VirtualBox */};
  struct statfs about;

  if (statfs (path, &about) < 0)
    return "TRUNCATE";
  for (gsize i = 0; i < G_N_ELEMENTS (networks); i++)
    if ((guint32) about.f_type == networks[i])
      return "TRUNCATE";
  return "WAL";
}

/* A back-up that is under way begins anew, should the file go on. */
static void
leave_draft (FerryQueueFile *self)
{
  g_clear_pointer (&self->pages, sqlite3_backup_finish);
  g_clear_pointer (&self->draft, sqlite3_close);
}

/* Closes the database, and not the file's lock. */
static void
disconnect (FerryQueueFile *self)
{
  leave_draft (self);
  for (guint i = 0; i < N_STATEMENTS; i++)
    g_clear_pointer (&self->prepared[i], sqlite3_finalize);
  g_clear_pointer (&self->database, sqlite3_close);
}

/* Only this user may read it: there may be passwords in it. SQLite gives its other files the same rights. */
static gboolean
make_private (const char *path, GError **error)
{
  ferry_autofd fd = open (path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
  struct stat about;

  if (fd < 0)
    return ferry_queue_set_write_error (path, error);
  if (fstat (fd, &about) < 0 || !S_ISREG (about.st_mode))
    return ferry_set_error (error, FERRY_ERROR_BAD_ARGUMENTS, "The queue '%s' is no file; give another path", path);
  if ((about.st_mode & 077) != 0 && fchmod (fd, 0600) < 0)
    return ferry_queue_set_write_error (path, error);
  return TRUE;
}

/* Returns a code of SQLite. path: of the database. */
static int
connect_to (FerryQueueFile *self, const char *path)
{
  int code = sqlite3_open_v2 (path, &self->database, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL);

  if (code == SQLITE_OK && self->is_alone)
    code = sqlite3_exec (self->database, "PRAGMA locking_mode=EXCLUSIVE", NULL, NULL, NULL);
  if (code == SQLITE_OK && self->is_alone)
    code = sqlite3_db_config (self->database, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
  if (code != SQLITE_OK)
    return code;
  sqlite3_extended_result_codes (self->database, 1);
  sqlite3_busy_timeout (self->database, BUSY_TIMEOUT);
  return sqlite3_exec (self->database,
                       "PRAGMA synchronous=FULL; PRAGMA cell_size_check=ON; PRAGMA trusted_schema=OFF; "
                       "PRAGMA temp_store=MEMORY",
                       NULL, NULL, NULL);
}

static gboolean
make_tables (FerryQueueFile *self, GError **error)
{
  g_autofree char *text =
    g_strdup_printf ("BEGIN IMMEDIATE; %s PRAGMA application_id=%d; PRAGMA user_version=%d; COMMIT", schema,
                     APPLICATION_ID, FIRST_FORMAT);

  if (execute (self, text, error))
    return TRUE;
  roll_back (self);
  return FALSE;
}

/* Whether the database is a queue of this version, or an empty one. code: of SQLite, of a question that it did not
 * answer. */
static gboolean
check_format (FerryQueueFile *self, gboolean *is_empty, int *code, GError **error)
{
  gint64 application, format, n_tables;

  application = ask_number (self, "PRAGMA application_id", code);
  format = *code == SQLITE_OK ? ask_number (self, "PRAGMA user_version", code) : 0;
  n_tables = *code == SQLITE_OK ? ask_number (self, "SELECT count(*) FROM sqlite_schema", code) : 0;
  if (*code != SQLITE_OK)
    return set_error (self, *code, error);
  *is_empty = application == 0 && n_tables == 0;
  if (!*is_empty && application != APPLICATION_ID)
    return ferry_set_error (error, FERRY_ERROR_BAD_ARGUMENTS,
                            "'%s' is a database of another program; give the queue a path of its own", self->path);
  if (format > FORMAT)
    return ferry_set_error (error, FERRY_ERROR_VERSION,
                            "The queue '%s' is of a newer version (%d, and this one knows %d); update the application",
                            self->path, (int) format, FORMAT);
  return TRUE;
}

/* Whether SQLite finds its pages in order. */
static gboolean
check_pages (FerryQueueFile *self, int *code)
{
  sqlite3_stmt *statement = NULL;
  gboolean fine;

  *code = sqlite3_prepare_v2 (self->database, "PRAGMA quick_check(1)", -1, &statement, NULL);
  if (*code == SQLITE_OK)
    *code = sqlite3_step (statement);
  fine = *code == SQLITE_ROW && g_strcmp0 ((const char *) sqlite3_column_text (statement, 0), "ok") == 0;
  *code = *code == SQLITE_ROW ? SQLITE_OK : *code;
  sqlite3_finalize (statement);
  return fine;
}

/* ---- a damaged file ---- */

static gboolean
sync_name (const char *path, GError **error)
{
  g_autofree char *folder = g_path_get_dirname (path);

  return ferry_queue_sync_folder (folder) || ferry_queue_set_write_error (folder, error);
}

static gboolean
rename_one (const char *from, const char *to, const char *suffix, GError **error)
{
  g_autofree char *old = g_strconcat (from, suffix, NULL);
  g_autofree char *new = g_strconcat (to, suffix, NULL);

  return rename (old, new) == 0 || errno == ENOENT || ferry_queue_set_write_error (new, error);
}

/* (transfer full): a name that no file has. what: became of the file. */
static char *
choose_aside (const char *path, const char *what)
{
  g_autoptr (GDateTime) now = g_date_time_new_now_local ();
  g_autofree char *when = g_date_time_format (now, "%Y%m%d-%H%M%S");
  char *name = g_strdup_printf ("%s.%s-%s", path, what, when);

  for (guint i = 2; g_file_test (name, G_FILE_TEST_EXISTS); i++)
    {
      g_free (name);
      name = g_strdup_printf ("%s.%s-%s-%u", path, what, when, i);
    }
  return name;
}

/* Has the new file take the place of the old one, which gets another name. One of that name is whole; so after an end
 * in the middle of this it is done once more. */
static gboolean
replace (const char *path, const char *what, char **aside, GError **error)
{
  g_autofree char *new = g_strconcat (path, NEW_SUFFIX, NULL);

  *aside = choose_aside (path, what);
  return rename_one (path, *aside, "-wal", error) && rename_one (path, *aside, "-shm", error) &&
         rename_one (path, *aside, "-journal", error) && rename_one (path, *aside, "", error) &&
         rename_one (new, path, "", error) && sync_name (path, error);
}

static gboolean
write_content (FerryQueueFile *self, const FerryQueueContent *content, GError **error)
{
  g_autoptr (GPtrArray) changes = g_ptr_array_new_with_free_func ((GDestroyNotify) ferry_queue_change_free);

  for (guint i = 0; i < content->rows->len; i++)
    g_ptr_array_add (changes, ferry_queue_change_of (FERRY_QUEUE_CHANGE_INSERT, get_row (content->rows, i)));
  for (guint i = 0; i < content->known->len; i++)
    g_ptr_array_add (changes, ferry_queue_change_of (FERRY_QUEUE_CHANGE_REMEMBER, get_row (content->known, i)));
  return write_changes (self, changes, error) && set_value (self, "paused", content->paused, error) &&
         (content->seen == 0 || set_value (self, "seen", content->seen, error)) &&
         (content->name == 0 ||
          (set_value (self, "file", content->name, error) && execute (self, statements[STATEMENT_FORMAT], error)));
}

/* Writes a whole new file. It has no journal of its own when it is closed. */
static gboolean
write_new (FerryQueueFile *self, const FerryQueueContent *content, GError **error)
{
  g_autofree char *draft = g_strconcat (self->path, DRAFT_SUFFIX, NULL);
  g_autofree char *new = g_strconcat (self->path, NEW_SUFFIX, NULL);
  int code;
  gboolean done;

  if (!ferry_queue_make_folder (self->folder))
    return ferry_queue_set_write_error (self->folder, error);
  if (unlink (draft) < 0 && errno != ENOENT)
    return ferry_queue_set_write_error (draft, error);
  if (!make_private (draft, error))
    return FALSE;
  code = connect_to (self, draft);
  done = (code == SQLITE_OK || set_error (self, code, error)) && make_tables (self, error) && prepare (self, error) &&
         write_content (self, content, error);
  disconnect (self);
  return done && rename_one (draft, new, "", error) && sync_name (new, error);
}

/* what: as a sentence goes on. *moved: (transfer full): what the damaged file is called now. */
static gboolean
set_aside (FerryQueueFile *self, FerryQueueContent *content, const char *what, char **moved, GError **error)
{
  g_autofree char *aside = NULL;

  disconnect (self);
  if (!write_new (self, content, error) || !replace (self->path, "damaged", &aside, error))
    return FALSE;
  content->damage =
    g_error_new (G_IO_ERROR, G_IO_ERROR_INVALID_DATA,
                 "The queue's file is damaged: %s. %u tasks were whole and are kept; the damaged file is '%s'", what,
                 content->rows->len, aside);
  g_warning ("%s", content->damage->message);
  *moved = g_steal_pointer (&aside);
  return TRUE;
}

/* SQLite refuses a file that was cut as a whole. With its schema writable, it takes the pages that are there. Returns
 * (transfer full) what is damaged. */
static char *
read_refused (FerryQueueFile *self, FerryQueueContent *content)
{
  char *what = g_strdup (sqlite3_errmsg (self->database));
  guint n_bad = 0;
  int code =
    sqlite3_exec (self->database, "PRAGMA cell_size_check=ON; PRAGMA trusted_schema=OFF; PRAGMA writable_schema=ON",
                  NULL, NULL, NULL);

  if (code == SQLITE_OK && ask_number (self, "PRAGMA application_id", &code) == APPLICATION_ID &&
      ask_number (self, "PRAGMA user_version", &code) <= FORMAT)
    read_content (self, content, &code, &n_bad);
  return what;
}

/* What SQLite finds damaged. */
static char *
examine_database (FerryQueueFile *self, FerryQueueContent *content, GError **error)
{
  gboolean is_clean;
  guint n_bad = 0;
  int code;

  is_clean = ask_number (self, "SELECT value FROM queue WHERE name = 'open'", &code) == 0;
  if (read_content (self, content, &code, &n_bad) && (is_clean || check_pages (self, &code)))
    return NULL;
  if (n_bad > 0)
    return g_strdup_printf ("%u rows are not what was written", n_bad);
  if (code == SQLITE_OK || is_damage (code))
    return g_strdup ("the pages of its database are not in order");
  set_error (self, code, error);
  return NULL;
}

/* Reads what there is, and makes a new file a queue, by whose header it is known before it has a log. Returns (transfer
 * full) (nullable) what is damaged; NULL with an error, or if nothing is. */
static char *
examine (FerryQueueFile *self, FerryQueueContent *content, GError **error)
{
  g_autofree char *of_log = ferry_queue_log_find_damage (self->path);
  g_autofree char *of_database = NULL;
  g_autoptr (GError) failure = NULL;
  gboolean is_empty = FALSE;
  int code = connect_to (self, self->path);

  /* A log that is damaged stays as it is, and is set aside with the database. */
  if (code == SQLITE_OK && of_log != NULL)
    code = sqlite3_db_config (self->database, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
  if (code != SQLITE_OK)
    set_error (self, code, &failure);
  else
    check_format (self, &is_empty, &code, &failure);
  if (is_damage (code))
    of_database = read_refused (self, content);
  else if (failure == NULL && !is_empty)
    of_database = examine_database (self, content, &failure);
  else if (failure == NULL && of_log == NULL)
    make_tables (self, &failure);
  if (failure != NULL && !is_damage (code))
    {
      g_propagate_error (error, g_steal_pointer (&failure));
      return NULL;
    }
  return of_log != NULL ? g_steal_pointer (&of_log) : g_steal_pointer (&of_database);
}

/* An earlier end may have been in the middle of replace(). *aside: as for set_aside(), or NULL. */
static gboolean
finish_replacement (const char *path, char **aside, GError **error)
{
  g_autofree char *new = g_strconcat (path, NEW_SUFFIX, NULL);

  return !g_file_test (new, G_FILE_TEST_EXISTS) || replace (path, "damaged", aside, error);
}

/* The application ended before it was told of the damage. */
static void
say_finished (FerryQueueContent *content, const char *aside)
{
  content->damage =
    g_error_new (G_IO_ERROR, G_IO_ERROR_INVALID_DATA,
                 "The queue's file was damaged when it was opened before. %u tasks are kept; the damaged "
                 "file is '%s'",
                 content->rows->len, aside);
  g_warning ("%s", content->damage->message);
}

/* The database is connected, and in order. */
static gboolean
begin (FerryQueueFile *self, GError **error)
{
  g_autofree char *journal = g_strconcat ("PRAGMA journal_mode=", choose_journal (self->path), NULL);

  self->is_begun = execute (self, journal, error) && prepare (self, error) && set_value (self, "open", 1, error) &&
                   ferry_queue_lock_hold (self->lock, error);
  return self->is_begun;
}

/* There may be room by now. */
static gboolean
begin_late (FerryQueueFile *self, GError **error)
{
  int code;

  disconnect (self);
  self->is_alone = FALSE;
  code = connect_to (self, self->path);
  return code == SQLITE_OK ? begin (self, error) : set_error (self, code, error);
}

/* SQLite's memory beside the file has no room. Whoever has the file for himself needs none, and reads it. */
static char *
examine_alone (FerryQueueFile *self, FerryQueueContent *content, GError **error)
{
  disconnect (self);
  g_array_set_size (content->rows, 0);
  g_array_set_size (content->known, 0);
  self->is_alone = TRUE;
  return examine (self, content, error);
}

static gboolean
is_full (const GError *error)
{
  return g_error_matches (error, G_IO_ERROR, G_IO_ERROR_NO_SPACE);
}

static gboolean
open_database (FerryQueueFile *self, FerryQueueContent *content, GError **error)
{
  g_autoptr (GError) failure = NULL;
  g_autofree char *damage = NULL;
  g_autofree char *aside = NULL;
  g_autofree char *finished = NULL;
  int code;

  if (!finish_replacement (self->path, &finished, error) || !make_private (self->path, error))
    return FALSE;
  damage = examine (self, content, &failure);
  if (is_full (failure))
    {
      content->obstacle = g_steal_pointer (&failure);
      damage = examine_alone (self, content, &failure);
    }
  if (failure != NULL)
    {
      g_propagate_error (error, g_steal_pointer (&failure));
      return FALSE;
    }
  if (damage != NULL)
    {
      if (!set_aside (self, content, damage, &aside, error))
        return FALSE;
      code = connect_to (self, self->path);
      if (code != SQLITE_OK)
        return set_error (self, code, error);
    }
  if (content->obstacle == NULL && !begin (self, &content->obstacle) && !is_full (content->obstacle))
    {
      g_propagate_error (error, g_steal_pointer (&content->obstacle));
      return FALSE;
    }
  if (finished != NULL && content->damage == NULL)
    say_finished (content, finished);
  for (guint i = 0; i < content->rows->len; i++)
    {
      const FerryQueueRow *row = get_row (content->rows, i);

      note_files (self, row->id, row);
    }
  remove_orphans (self, aside != NULL ? aside : finished);
  return TRUE;
}

static gboolean
make_parent (const char *path, GError **error)
{
  g_autofree char *folder = g_path_get_dirname (path);

  return ferry_queue_make_folder (folder) || ferry_queue_set_write_error (folder, error);
}

/* The first bytes of a database. */
typedef struct
{
  char magic[16];
  guint8 others[52];
  guint32 application; /* big-endian */
} Header;

/* Whether there is a file that no queue has made. Nothing is done to it: somebody has given a wrong name. What is
 * damaged of a queue's own is known by the lock beside it. */
static gboolean
is_of_others (FerryQueueFile *self)
{
  ferry_autofd fd = open (self->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  Header header = {0};
  gssize size = fd >= 0 ? read (fd, &header, sizeof header) : 0;
  gboolean is_database = size == sizeof header && memcmp (header.magic, "SQLite format 3", sizeof header.magic) == 0;

  if (size <= 0 || (is_database && GUINT32_FROM_BE (header.application) == APPLICATION_ID))
    return FALSE;
  return !ferry_queue_lock_was_taken (self->lock);
}

static void
file_free (FerryQueueFile *self, gboolean was_refused)
{
  ferry_queue_lock_let_go (self->lock);
  disconnect (self);
  ferry_queue_lock_free (self->lock, was_refused);
  g_hash_table_unref (self->rows);
  g_clear_pointer (&self->held, g_ptr_array_unref);
  g_free (self->folder);
  g_free (self->path);
  g_free (self);
}

/* No file is touched that another queue of this process has, and no other process's. */
static gboolean
take_file (FerryQueueFile *self, GError **error)
{
  if (is_of_others (self))
    return ferry_set_error (error, FERRY_ERROR_BAD_ARGUMENTS,
                            "'%s' is a file of another program, and no queue; give the queue a path of its own",
                            self->path);
  return ferry_queue_lock_take (self->lock, error);
}

static gboolean
has_content (const char *path)
{
  struct stat about;

  return stat (path, &about) == 0 && S_ISREG (about.st_mode) && about.st_size > 0;
}

FerryQueueFile *
ferry_queue_file_open (const char *path, FerryQueueContent **content, GError **error)
{
  g_autoptr (FerryQueueContent) found = ferry_queue_content_make ();
  g_autoptr (GError) failure = NULL;
  FerryQueueLock *lock = ferry_queue_lock_new (path, error);
  gboolean had_content;
  FerryQueueFile *self;

  if (lock == NULL)
    return NULL;
  self = g_new0 (FerryQueueFile, 1);
  self->path = g_strdup (path);
  self->folder = ferry_queue_file_name_folder (path);
  self->rows = g_hash_table_new_full (g_int64_hash, g_int64_equal, row_files_free, NULL);
  self->lock = lock;
  had_content = has_content (path);
  if (!make_parent (path, &failure) || !take_file (self, &failure) || !open_database (self, found, &failure))
    {
      /* A queue may have been begun. */
      file_free (self, had_content || !has_content (path));
      g_propagate_error (error, g_steal_pointer (&failure));
      return NULL;
    }
  *content = g_steal_pointer (&found);
  return self;
}

gboolean
ferry_queue_file_renew (FerryQueueFile *self, FerryQueueContent *content, GError **error)
{
  g_autofree char *aside = NULL;
  int code;

  ferry_queue_lock_let_go (self->lock);
  disconnect (self);
  if (!ferry_queue_lock_take (self->lock, error) || !write_new (self, content, error) ||
      !replace (self->path, "replaced", &aside, error))
    return FALSE;
  code = connect_to (self, self->path);
  if (code != SQLITE_OK)
    return set_error (self, code, error);
  if (g_file_test (aside, G_FILE_TEST_EXISTS))
    {
      content->damage = g_error_new (G_IO_ERROR, G_IO_ERROR_EXISTS,
                                     "The queue's file was written anew, with %u tasks; what was at its path is '%s'",
                                     content->rows->len, aside);
      g_warning ("%s", content->damage->message);
    }
  return begin (self, error);
}

/* ---- while it is open ---- */

/* SQLite writes on into a file that is not at its path any more, and all of it is gone at the end. */
gboolean
ferry_queue_file_write (FerryQueueFile *self, GPtrArray *changes, GError **error)
{
  if (!self->is_begun && !begin_late (self, error))
    return FALSE;
  if (!ferry_queue_lock_may_write (self->lock, error) || !write_changes (self, changes, error) ||
      !ferry_queue_lock_check (self->lock, error))
    return FALSE;
  note_all_files (self, changes);
  return TRUE;
}

/* Nobody waits for it: a reader that is in its way is left alone. */
void
ferry_queue_file_rest (FerryQueueFile *self)
{
  if (self->database == NULL || !ferry_queue_lock_check (self->lock, NULL))
    return;
  sqlite3_busy_timeout (self->database, 0);
  sqlite3_wal_checkpoint_v2 (self->database, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL);
  sqlite3_busy_timeout (self->database, BUSY_TIMEOUT);
}

/* ---- back-ups ---- */

/* The draft needs no journal, and is synced as a whole at the end. */
static int
begin_pages (FerryQueueFile *self, const char *draft)
{
  int code = sqlite3_open_v2 (draft, &self->draft, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL);

  if (code == SQLITE_OK)
    code = sqlite3_exec (self->draft, "PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF", NULL, NULL, NULL);
  if (code != SQLITE_OK)
    return code;
  self->n_pages = N_PAGES;
  self->n_remaining = G_MAXINT;
  self->pages = sqlite3_backup_init (self->draft, "main", self->database, "main");
  return self->pages != NULL ? SQLITE_OK : sqlite3_errcode (self->draft);
}

static int
step_pages (FerryQueueFile *self)
{
  int code = sqlite3_backup_step (self->pages, self->n_pages);
  int n_remaining = sqlite3_backup_remaining (self->pages);

  if (n_remaining >= self->n_remaining)
    self->n_pages *= 2;
  self->n_remaining = n_remaining;
  return code;
}

/* Returns a code of SQLite: SQLITE_DONE if there is no page left. What this connection writes in between is written to
 * the copy as well, so that it is as the file is at the end. */
static int
copy_pages (FerryQueueFile *self, FerryQueueCopy *copy, GError **error)
{
  const char *draft = self->pages == NULL ? ferry_queue_copy_begin (copy, error) : NULL;
  int code = SQLITE_OK;

  if (self->pages == NULL && draft == NULL)
    return SQLITE_ERROR;
  if (draft != NULL)
    code = begin_pages (self, draft);
  if (code == SQLITE_OK)
    code = step_pages (self);
  if (code != SQLITE_OK && code != SQLITE_DONE)
    set_error_of (ferry_queue_copy_get_path (copy), sqlite3_errstr (code), code, error);
  return code;
}

gboolean
ferry_queue_file_back_up (FerryQueueFile *self, FerryQueueCopy *copy, gboolean *is_done, GError **error)
{
  int code = SQLITE_ERROR;

  if (ferry_queue_copy_check (copy, error) && ferry_queue_lock_check (self->lock, error))
    code = copy_pages (self, copy, error);
  *is_done = code == SQLITE_DONE;
  if (code == SQLITE_OK)
    return TRUE;
  leave_draft (self);
  if (!*is_done)
    return FALSE;
  self->held = g_ptr_array_new_with_free_func (g_free);
  ferry_queue_copy_take_names (copy, copy_names (self));
  return TRUE;
}

void
ferry_queue_file_end_back_up (FerryQueueFile *self)
{
  for (guint i = 0; self->held != NULL && i < self->held->len; i++)
    unlink (self->held->pdata[i]);
  g_clear_pointer (&self->held, g_ptr_array_unref);
}

gboolean
ferry_queue_file_close (FerryQueueFile *self, gboolean is_orderly, GError **error)
{
  g_autoptr (GError) failure = NULL;
  gboolean is_there = !self->is_begun || ferry_queue_lock_check (self->lock, error);

  if (self->is_begun && is_there && is_orderly && !set_value (self, "open", 0, &failure))
    g_message ("%s. Its next start looks for damage", failure->message);
  file_free (self, FALSE);
  return is_there;
}
