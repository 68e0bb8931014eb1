/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* A queue's file: a database of SQLite with a row a task. One thread at a time, which may wait for the disk. */

#pragma once

#include "queue/ferry-queue-copy-private.h"
#include "queue/ferry-queue-row-private.h"

G_BEGIN_DECLS

/* What is to be changed in the file. */
typedef enum
{
  FERRY_QUEUE_CHANGE_INSERT,
  FERRY_QUEUE_CHANGE_UPDATE,   /* how the row's task stands */
  FERRY_QUEUE_CHANGE_DELETE,   /* the row; of it, only the id counts */
  FERRY_QUEUE_CHANGE_REMEMBER, /* the row's key, with its state and its end */
  FERRY_QUEUE_CHANGE_FORGET,   /* the row's key */
  FERRY_QUEUE_CHANGE_PAUSE,    /* whether the queue is paused, as the row is */
  FERRY_QUEUE_CHANGE_SEEN,     /* until when the queue has seen time pass: when the row has ended */
  FERRY_QUEUE_CHANGE_NAME,     /* the name of the file, for its tasks that are away: the id of the row */
  FERRY_QUEUE_CHANGE_FORMAT,   /* the file has tasks that are away, which versions before that do not know */
} FerryQueueChangeKind;

typedef struct
{
  FerryQueueChangeKind kind;
  FerryQueueRow row; /* a copy */
} FerryQueueChange;

FerryQueueChange *ferry_queue_change_of (FerryQueueChangeKind kind, const FerryQueueRow *row);
/* Whether one of its values is in a file of its own. */
gboolean ferry_queue_change_has_file (const FerryQueueChange *self);
void ferry_queue_change_free (FerryQueueChange *self);

/* What a file has when it is opened, or is to have. */
typedef struct
{
  /* Arrays, since a thread that allocates each row waits for the kernel half of the time. */
  GArray *rows;  /* (owned) (element-type FerryQueueRow): by their place */
  GArray *known; /* (owned) (element-type FerryQueueRow): keys without a task, with state and end */
  gboolean paused;
  gint64 name;      /* of the file, for its tasks that are away; 0: it has none */
  gint64 seen;      /* until when it has seen time pass, by the wall clock; 0: not known */
  GError *damage;   /* (owned) (nullable): what was damaged, and where it is now */
  GError *obstacle; /* (owned) (nullable): there is no room to write it, only to read it */
} FerryQueueContent;

FerryQueueContent *ferry_queue_content_make (void);
void ferry_queue_content_free (FerryQueueContent *self);

typedef struct _FerryQueueFile FerryQueueFile;

/* Returns (transfer full) the name of the folder with values that have files of their own. */
char *ferry_queue_file_name_folder (const char *path);
/* path: see ferry_queue_lock_resolve(). Opens the file, and makes it and its folder if they are not there. Returns
 * (transfer full) the file, and sets *content (transfer full). A file that is damaged is set aside under another name,
 * and what could be read of it is in a new one. Fails with FERRY_ERROR_BUSY, FERRY_ERROR_VERSION for a file of a newer
 * version, FERRY_ERROR_BAD_ARGUMENTS for a database of something else, FERRY_ERROR_SYSTEM, and as
 * ferry_queue_file_write() does. */
FerryQueueFile *ferry_queue_file_open (const char *path, FerryQueueContent **content, GError **error);
/* Makes all changes (element-type FerryQueueChange), and has them on the disk, or none. Fails with G_IO_ERROR_NO_SPACE,
 * G_IO_ERROR_READ_ONLY, G_IO_ERROR_BUSY and G_IO_ERROR_FAILED; then it may be tried again. If the file is not at its
 * path any more, it fails with G_IO_ERROR_NOT_FOUND. */
gboolean ferry_queue_file_write (FerryQueueFile *self, GPtrArray *changes, GError **error);
/* Nothing was written for a while: puts what the write-ahead log has into the database, so that there is no log that
 * can be damaged or left out of a copy. */
void ferry_queue_file_rest (FerryQueueFile *self);
/* Writes all of content into a new file, which takes the path. What is there is set aside, and content->damage says
 * so. Fails as ferry_queue_file_open() does; then it may be tried again. */
gboolean ferry_queue_file_renew (FerryQueueFile *self, FerryQueueContent *content, GError **error);
/* Copies some pages of the database; one back-up at a time. Once it is done, the files of its values stay until
 * ferry_queue_file_end_back_up(). Fails as ferry_queue_file_write() and ferry_queue_copy_begin() do. */
gboolean ferry_queue_file_back_up (FerryQueueFile *self, FerryQueueCopy *copy, gboolean *is_done, GError **error);
void ferry_queue_file_end_back_up (FerryQueueFile *self);
/* is_orderly: nothing has to be checked at the next start. Fails, and closes it, if the file is not at its path. */
gboolean ferry_queue_file_close (FerryQueueFile *self, gboolean is_orderly, GError **error);

G_END_DECLS
