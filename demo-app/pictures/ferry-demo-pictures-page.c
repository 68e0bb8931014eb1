/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Pictures from anywhere, decoded where they can do no harm.
 *
 * A decoder is a worker in a sandbox. It is given one open file after the other, and gives small pictures back. It can
 * open no other file of the user, write nothing, and reach no network. A file that brings its decoder down costs a
 * worker, and no other picture.
 *
 * The grid has tiles for some more pictures than there are in sight. Only the pictures of tiles are decoded, those in
 * sight first, and only a few at a time. So a scroll waits for these few at most. What leaves the grid is cancelled or
 * forgotten, and decoded again when it comes back. */

#include "pictures/ferry-demo-pictures-page.h"

#include <errno.h>
#include <fcntl.h>
#include <ferry-gtk.h>
#include <glib/gi18n.h>
#include <glib/gstdio.h>
#include <sys/stat.h>

#include "app/ferry-demo-format.h"
#include "app/ferry-demo-message.h"
#include "app/ferry-demo-place.h"
#include "pictures/ferry-demo-tile.h"

/* The largest picture that is not refused, with opacity, its reduced copy, and room to work in. A worker that
 * AddressSanitizer watches reserves far more than it uses, and has no limit. */
#ifdef __SANITIZE_ADDRESS__
#define MEMORY_LIMIT G_GUINT64_CONSTANT (0)
#else
#define MEMORY_LIMIT (G_GUINT64_CONSTANT (1) << 30)
#endif

/* A picture that takes longer is as good as broken. */
#define DECODE_TIME (30 * G_USEC_PER_SEC)
#define CANCEL_GRACE (G_USEC_PER_SEC / 5)

/* One that is decoded, and others that lie ready for the time until the application hears of that. */
#define PICTURES_PER_WORKER 3

/* On a file's information: why there is no picture of it, and what it is sorted by. */
#define REASON "ferry-demo-reason"
#define SORT_KEY "ferry-demo-sort-key"
/* On a task: the item of the grid that it is for. */
#define ITEM "ferry-demo-item"

struct _FerryDemoPicturesPage
{
  AdwBin parent_instance;

  FerryExecutor *executor;
  guint max_workers;
  GHashTable *decodings; /* (element-type GtkListItem Decoding): of items that have a file */
  guint n_open;          /* tasks */
  guint n_broken;
  gboolean is_breaking; /* the next picture has its decoder crash */

  GdkFrameClock *frame_clock; /* (nullable): that a look was asked of */

  GtkDirectoryList *directory;
  GtkCustomFilter *filter;
  GtkCustomSorter *sorter;
  GListModel *files;
  GtkStack *stack;
  AdwStatusPage *status;
  GtkWidget *open_button;
  GtkWidget *again_button;
  GtkLabel *folder_label;
  GtkLabel *counts_label;
  GtkPopover *popover; /* of the sandbox */
  GtkScrolledWindow *scrolled_window;
  AdwButtonContent *shield;
  GtkLabel *layers_label;
  GtkFileChooserNative *chooser; /* (owned) (nullable) */
};

typedef struct
{
  FerryTask *task; /* (nullable) */
  gboolean done;   /* the tile shows a picture, or why there is none */
} Decoding;

G_DEFINE_FINAL_TYPE (FerryDemoPicturesPage, ferry_demo_pictures_page, ADW_TYPE_BIN)

static void show_state (FerryDemoPicturesPage *self);
static void decode_more (FerryDemoPicturesPage *self);

static void
decoding_free (gpointer data)
{
  Decoding *decoding = data;

  if (decoding->task != NULL)
    ferry_task_cancel (decoding->task);
  g_clear_object (&decoding->task);
  g_free (decoding);
}

/* ---- one picture ---- */

/* The system's own files are what decoders are loaded from, and what kinds of files are told by. The catalogues are for
 * words in the user's language. */
static FerrySandbox *
create_sandbox (void)
{
  g_autofree char *catalogues = ferry_demo_find ("po", FERRY_DEMO_LOCALEDIR);
  FerrySandbox *sandbox = ferry_sandbox_new ();

  g_object_set (sandbox, "system-paths", TRUE, "memory-limit", (guint64) MEMORY_LIMIT, NULL);
  if (g_file_test (catalogues, G_FILE_TEST_IS_DIR))
    g_object_set (sandbox, "read-only-paths", (const char *[]){catalogues, NULL}, NULL);
  return sandbox;
}

/* Never waits, whatever has taken the file's place since it was found. */
static int
open_file (GFileInfo *info, GError **error)
{
  GFile *file = G_FILE (g_file_info_get_attribute_object (info, "standard::file"));
  int fd = open (g_file_peek_path (file), O_RDONLY | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
  int code = errno;
  struct stat status;

  if (fd >= 0 && fstat (fd, &status) == 0 && S_ISREG (status.st_mode))
    return fd;
  if (fd < 0)
    g_set_error (error, G_IO_ERROR, (int) g_io_error_from_errno (code), _ ("The file cannot be opened: %s"),
                 g_strerror (code));
  else
    g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_NOT_REGULAR_FILE, _ ("This is no longer a file"));
  if (fd >= 0)
    g_close (fd, NULL);
  return -1;
}

/* The decoder is given the open file, and no name of it. */
static FerryTask *
make_task (GFileInfo *info, gboolean crashes, GError **error)
{
  g_autoptr (FerryTask) task = NULL;
  int fd = open_file (info, error);
  gboolean added;

  if (fd < 0)
    return NULL;
  task = ferry_task_new (FERRY_TASK_KIND_CALL, FERRY_DEMO_THUMBNAIL,
                         g_variant_new ("(hub)", FERRY_DEMO_THUMBNAIL_HANDLE, FERRY_DEMO_THUMBNAIL_SIDE, crashes));
  added = ferry_task_add_descriptor (task, fd, error) == FERRY_DEMO_THUMBNAIL_HANDLE;
  g_close (fd, NULL);
  ferry_task_set_run_timeout (task, DECODE_TIME);
  ferry_task_set_cancel_grace (task, CANCEL_GRACE);
  return added ? g_steal_pointer (&task) : NULL;
}

/* The worker has read a stranger's file, so whatever it says may be the stranger's. The texture shares the memory that
 * the pixels came in. */
static GdkTexture *
make_texture (GVariant *result)
{
  g_autoptr (GVariant) frame = NULL;
  g_autoptr (GVariant) data = NULL;
  g_autoptr (GBytes) pixels = NULL;
  g_autoptr (GdkTexture) texture = NULL;

  if (!g_variant_is_of_type (result, G_VARIANT_TYPE (FERRY_DEMO_THUMBNAIL_RESULT)))
    return NULL;
  g_variant_get (result, "(@(uuus)@ay)", &frame, &data);
  pixels = g_variant_get_data_as_bytes (data);
  texture = ferry_remote_picture_make_texture (frame, pixels, NULL);
  if (texture == NULL || gdk_texture_get_width (texture) > FERRY_DEMO_THUMBNAIL_SIDE ||
      gdk_texture_get_height (texture) > FERRY_DEMO_THUMBNAIL_SIDE)
    return NULL;
  return g_steal_pointer (&texture);
}

static void
show (GtkListItem *item, GdkTexture *texture)
{
  GFileInfo *info = gtk_list_item_get_item (item);

  ferry_demo_tile_show (FERRY_DEMO_TILE (gtk_list_item_get_child (item)), g_file_info_get_display_name (info), texture,
                        g_object_get_data (G_OBJECT (info), REASON));
}

/* It stays broken: the next decoder would fare no better. */
static void
take_broken (FerryDemoPicturesPage *self, GtkListItem *item, const char *reason)
{
  GObject *info = gtk_list_item_get_item (item);

  g_object_set_data_full (info, REASON, g_strdup (reason), g_free);
  self->n_broken++;
  show (item, NULL);
}

/* Of the task that an item has; it is the picture's end, or it waits again. */
static gboolean
take_end (FerryDemoPicturesPage *self, GtkListItem *item, FerryTask *task)
{
  g_autoptr (GVariant) result = ferry_task_get_result (task, NULL);
  g_autoptr (GdkTexture) texture = result != NULL ? make_texture (result) : NULL;
  g_autofree char *reason = NULL, *details = NULL;

  if (ferry_task_get_state (task) == FERRY_TASK_STATE_CANCELLED)
    return FALSE;
  if (result == NULL && ferry_task_get_exit (task) == NULL &&
      ferry_pool_get_error (ferry_executor_get_pool (self->executor)) != NULL)
    return FALSE;
  if (texture != NULL)
    show (item, texture);
  else if (result != NULL)
    take_broken (self, item, _ ("The decoder gave no picture"));
  else
    {
      ferry_task_describe_error (task, &reason, &details, NULL);
      /* What a decoder says itself is in words for the user. */
      take_broken (self, item, ferry_task_get_exit (task) == NULL ? details : reason);
    }
  return TRUE;
}

static void
done_cb (FerryDemoPicturesPage *self, FerryTask *task)
{
  GtkListItem *item = g_object_get_data (G_OBJECT (task), ITEM);
  Decoding *decoding = g_hash_table_lookup (self->decodings, item);

  self->n_open--;
  if (self->executor == NULL)
    return;
  if (decoding != NULL && decoding->task == task)
    {
      g_clear_object (&decoding->task);
      decoding->done = take_end (self, item, task);
    }
  show_state (self);
  decode_more (self);
}

static void
begin (FerryDemoPicturesPage *self, GtkListItem *item, Decoding *decoding)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (FerryTask) task = make_task (gtk_list_item_get_item (item), self->is_breaking, &error);

  if (task == NULL)
    {
      decoding->done = TRUE;
      take_broken (self, item, error->message);
      return;
    }
  g_object_set_data (G_OBJECT (task), ITEM, item);
  g_signal_connect_object (task, "done", G_CALLBACK (done_cb), self, G_CONNECT_SWAPPED);
  self->is_breaking = FALSE;
  self->n_open++;
  decoding->task = g_object_ref (task);
  if (!ferry_executor_submit_task (self->executor, task, &error))
    g_warning ("A picture was not submitted: %s", error->message);
}

/* ---- which one comes next ---- */

/* Whether some of the item's tile is within the window that is scrolled. */
static gboolean
is_in_sight (FerryDemoPicturesPage *self, GtkListItem *item)
{
  GtkWidget *tile = gtk_list_item_get_child (item), *scrolled = GTK_WIDGET (self->scrolled_window);
  graphene_rect_t bounds;

  return gtk_widget_get_mapped (tile) && gtk_widget_compute_bounds (tile, scrolled, &bounds) &&
         bounds.origin.y < (float) gtk_widget_get_height (scrolled) && bounds.origin.y + bounds.size.height > 0;
}

/* Those in sight from the first to the last, and then the others. */
static GtkListItem *
find_next (FerryDemoPicturesPage *self, Decoding **next)
{
  guint n_files = g_list_model_get_n_items (self->files), least = G_MAXUINT;
  GtkListItem *found = NULL;
  GHashTableIter iter;
  gpointer item, value;

  g_hash_table_iter_init (&iter, self->decodings);
  while (g_hash_table_iter_next (&iter, &item, &value))
    if (((Decoding *) value)->task == NULL && !((Decoding *) value)->done)
      {
        guint place = gtk_list_item_get_position (item) + (is_in_sight (self, item) ? 0 : n_files);

        if (place < least)
          found = item, *next = value;
        least = MIN (place, least);
      }
  return found;
}

/* Nothing while the page is not seen, or when the session stops. */
static gboolean
may_decode (FerryDemoPicturesPage *self)
{
  FerryExecutorState state;

  g_object_get (self->executor, "state", &state, NULL);
  return gtk_widget_get_mapped (GTK_WIDGET (self)) && state == FERRY_EXECUTOR_STATE_RUNNING &&
         ferry_pool_get_error (ferry_executor_get_pool (self->executor)) == NULL;
}

static void
decode_more (FerryDemoPicturesPage *self)
{
  Decoding *decoding = NULL;
  GtkListItem *item;

  while (self->n_open < self->max_workers * PICTURES_PER_WORKER && may_decode (self) &&
         (item = find_next (self, &decoding)) != NULL)
    begin (self, item, decoding);
}

static void
stop_looking (FerryDemoPicturesPage *self)
{
  if (self->frame_clock != NULL)
    g_signal_handlers_disconnect_by_data (self->frame_clock, self);
  g_clear_object (&self->frame_clock);
}

static void
after_paint_cb (FerryDemoPicturesPage *self)
{
  stop_looking (self);
  decode_more (self);
  show_state (self);
}

/* Something has moved. Within a frame tiles have places of two frames, so the look is behind it. */
static void
moved_cb (FerryDemoPicturesPage *self)
{
  if (self->frame_clock != NULL || !gtk_widget_get_mapped (GTK_WIDGET (self)))
    return;
  self->frame_clock = g_object_ref (gtk_widget_get_frame_clock (GTK_WIDGET (self)));
  g_signal_connect_object (self->frame_clock, "after-paint", G_CALLBACK (after_paint_cb), self, G_CONNECT_SWAPPED);
  gdk_frame_clock_request_phase (self->frame_clock, GDK_FRAME_CLOCK_PHASE_AFTER_PAINT);
}

static void
setup_cb (FerryDemoPicturesPage *self, GtkListItem *item)
{
  gtk_list_item_set_child (item, ferry_demo_tile_new ());
}

static void
bind_cb (FerryDemoPicturesPage *self, GtkListItem *item)
{
  Decoding *decoding = g_new0 (Decoding, 1);

  decoding->done = g_object_get_data (gtk_list_item_get_item (item), REASON) != NULL;
  g_hash_table_insert (self->decodings, item, decoding);
  show (item, NULL);
  moved_cb (self);
}

static void
unbind_cb (FerryDemoPicturesPage *self, GtkListItem *item)
{
  g_hash_table_remove (self->decodings, item);
}

/* ---- the folder ---- */

static gboolean
is_picture (gpointer item, gpointer user_data)
{
  const char *type = g_file_info_get_attribute_string (item, G_FILE_ATTRIBUTE_STANDARD_FAST_CONTENT_TYPE);
  g_autofree char *mime_type = type != NULL ? g_content_type_get_mime_type (type) : NULL;

  return g_file_info_get_file_type (item) == G_FILE_TYPE_REGULAR && !g_file_info_get_is_hidden (item) &&
         mime_type != NULL && g_str_has_prefix (mime_type, "image/");
}

static const char *
get_key (gconstpointer info)
{
  if (g_object_get_data ((GObject *) info, SORT_KEY) == NULL)
    g_object_set_data_full ((GObject *) info, SORT_KEY,
                            g_utf8_collate_key_for_filename (g_file_info_get_display_name ((GFileInfo *) info), -1),
                            g_free);
  return g_object_get_data ((GObject *) info, SORT_KEY);
}

static int
compare (gconstpointer a, gconstpointer b, gpointer user_data)
{
  return g_strcmp0 (get_key (a), get_key (b));
}

void
ferry_demo_pictures_page_open (FerryDemoPicturesPage *self, const char *folder)
{
  g_autoptr (GFile) file = g_file_new_for_path (folder);
  g_autofree char *name = g_filename_display_basename (folder);

  self->n_broken = 0;
  gtk_adjustment_set_value (gtk_scrolled_window_get_vadjustment (self->scrolled_window), 0);
  gtk_label_set_text (self->folder_label, name);
  /* The same one is read anew. */
  gtk_directory_list_set_file (self->directory, NULL);
  gtk_directory_list_set_file (self->directory, file);
  show_state (self);
}

static void
chosen_cb (FerryDemoPicturesPage *self, int response)
{
  g_autoptr (GFile) folder = NULL;

  if (response == GTK_RESPONSE_ACCEPT)
    folder = gtk_file_chooser_get_file (GTK_FILE_CHOOSER (self->chooser));
  if (folder != NULL && g_file_peek_path (folder) != NULL)
    ferry_demo_pictures_page_open (self, g_file_peek_path (folder));
}

/* A chooser is made when it is wanted: GTK 4.8 looks for volumes, bookmarks and clouds then, for a tenth of a second
 * and more, also where a portal has the dialog. */
void
ferry_demo_pictures_page_choose_folder (FerryDemoPicturesPage *self)
{
  GtkWindow *window = GTK_WINDOW (gtk_widget_get_root (GTK_WIDGET (self)));

  if (self->chooser == NULL)
    {
      self->chooser = gtk_file_chooser_native_new (_ ("Folder of Pictures"), window,
                                                   GTK_FILE_CHOOSER_ACTION_SELECT_FOLDER, NULL, NULL);
      gtk_native_dialog_set_modal (GTK_NATIVE_DIALOG (self->chooser), TRUE);
      g_signal_connect_object (self->chooser, "response", G_CALLBACK (chosen_cb), self, G_CONNECT_SWAPPED);
    }
  gtk_native_dialog_show (GTK_NATIVE_DIALOG (self->chooser));
}

static void
decode_again (GtkWidget *widget, const char *action, GVariant *parameter)
{
  FerryDemoPicturesPage *self = FERRY_DEMO_PICTURES_PAGE (widget);
  GFile *folder = gtk_directory_list_get_file (self->directory);
  g_autofree char *path = folder != NULL ? g_file_get_path (folder) : NULL;
  FerryPool *pool = ferry_executor_get_pool (self->executor);

  if (ferry_pool_get_error (pool) != NULL)
    ferry_pool_reset (pool);
  if (path != NULL)
    ferry_demo_pictures_page_open (self, path);
}

/* Where all pictures are there already, the crash of a decoder would not be seen. */
static void
crash (GtkWidget *widget, const char *action, GVariant *parameter)
{
  FerryDemoPicturesPage *self = FERRY_DEMO_PICTURES_PAGE (widget);

  /* Behind a picture of the status, its button would keep the focus where nobody sees it. */
  gtk_popover_popdown (self->popover);
  gtk_root_set_focus (gtk_widget_get_root (widget), NULL);
  self->is_breaking = TRUE;
  decode_again (widget, action, parameter);
}

/* ---- words ---- */

static void
show_counts (FerryDemoPicturesPage *self)
{
  guint n_files = g_list_model_get_n_items (self->files);
  g_autofree char *pictures = ferry_demo_format_counted (n_files, ngettext ("%s picture", "%s pictures", n_files));
  g_autofree char *broken = ferry_format_count (self->n_broken);
  g_autofree char *suffix = self->n_broken > 0 ? g_strdup_printf (_ (", %s failed"), broken) : NULL;
  g_autofree char *words = g_strconcat (pictures, suffix, NULL);

  gtk_label_set_text (self->counts_label, words);
}

static void
show_status (FerryDemoPicturesPage *self, const char *title, const char *text, gboolean can_retry)
{
  g_autofree char *description = g_markup_escape_text (text, -1);

  adw_status_page_set_title (self->status, title);
  adw_status_page_set_description (self->status, description);
  gtk_widget_set_visible (self->open_button, !can_retry);
  gtk_widget_set_visible (self->again_button, can_retry);
  gtk_stack_set_visible_child_name (self->stack, "status");
}

static void
show_state (FerryDemoPicturesPage *self)
{
  const GError *error, *pool_error;

  /* The template is being made, or is gone. */
  if (self->executor == NULL)
    return;
  error = gtk_directory_list_get_error (self->directory);
  pool_error = ferry_pool_get_error (ferry_executor_get_pool (self->executor));
  if (pool_error != NULL)
    show_status (self, _ ("Pictures Cannot Be Decoded"), _ ("The worker could not be started"), TRUE);
  else if (gtk_directory_list_get_file (self->directory) == NULL)
    show_status (self, _ ("No Pictures Yet"), _ ("Open a folder to see its pictures."), FALSE);
  else if (error != NULL)
    show_status (self, _ ("This Folder Cannot Be Shown"), error->message, FALSE);
  else if (g_list_model_get_n_items (self->files) > 0)
    gtk_stack_set_visible_child_name (self->stack, "pictures");
  else if (gtk_directory_list_is_loading (self->directory))
    show_status (self, _ ("Looking for Pictures…"), "", FALSE);
  else
    show_status (self, _ ("No Pictures in This Folder"), _ ("Folders inside it are not searched."), FALSE);
  show_counts (self);
}

/* How much of a sandbox this system gives its workers: most of it comes from the kernel, and may be missing. */
static void
show_strength (FerryDemoPicturesPage *self, FerrySandboxStrength strength)
{
  static const struct
  {
    FerrySandboxStrength layer;
    const char *words;
  } layers[] = {
    {FERRY_SANDBOX_STRENGTH_LIMITS, N_ ("Its memory is limited")},
    {FERRY_SANDBOX_STRENGTH_NO_NEW_PRIVILEGES, N_ ("It cannot gain rights")},
    {FERRY_SANDBOX_STRENGTH_LANDLOCK, N_ ("It cannot open other files of yours")},
    {FERRY_SANDBOX_STRENGTH_LANDLOCK_NETWORK, N_ ("It cannot connect to other computers")},
    {FERRY_SANDBOX_STRENGTH_LANDLOCK_SCOPE, N_ ("It cannot reach other programs")},
    {FERRY_SANDBOX_STRENGTH_SYSTEM_CALLS, N_ ("It cannot start programs")},
    {FERRY_SANDBOX_STRENGTH_NAMESPACES, N_ ("It cannot see other processes")},
  };
  const guint strong = FERRY_SANDBOX_STRENGTH_LANDLOCK | FERRY_SANDBOX_STRENGTH_SYSTEM_CALLS;
  g_autoptr (GString) words = g_string_new (NULL);

  for (guint i = 0; i < G_N_ELEMENTS (layers); i++)
    if (strength & layers[i].layer)
      g_string_append_printf (words, "%s• %s", words->len > 0 ? "\n" : "", _ (layers[i].words));
  gtk_label_set_text (self->layers_label, words->str);
  adw_button_content_set_icon_name (self->shield, (strength & strong) == strong ? "security-high-symbolic"
                                                  : (strength & strong) != 0    ? "security-medium-symbolic"
                                                                                : "security-low-symbolic");
}

static void
strength_came (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (FerryDemoPicturesPage) self = user_data;
  g_autoptr (GError) error = NULL;
  FerrySandboxStrength strength = ferry_sandbox_get_strength_finish (result, &error);

  /* A page that is gone shows nothing. */
  if (error == NULL && self->executor != NULL)
    show_strength (self, strength);
}

/* ---- the page itself ---- */

/* The demo's own pictures come first. */
static void
ferry_demo_pictures_page_map (GtkWidget *widget)
{
  FerryDemoPicturesPage *self = FERRY_DEMO_PICTURES_PAGE (widget);
  g_autofree char *samples = ferry_demo_find ("samples", FERRY_DEMO_DATADIR "/samples");

  GTK_WIDGET_CLASS (ferry_demo_pictures_page_parent_class)->map (widget);
  if (gtk_directory_list_get_file (self->directory) == NULL && g_file_test (samples, G_FILE_TEST_IS_DIR))
    ferry_demo_pictures_page_open (self, samples);
  moved_cb (self);
}

static void
ferry_demo_pictures_page_unmap (GtkWidget *widget)
{
  FerryDemoPicturesPage *self = FERRY_DEMO_PICTURES_PAGE (widget);

  stop_looking (self);
  GTK_WIDGET_CLASS (ferry_demo_pictures_page_parent_class)->unmap (widget);
  ferry_executor_cancel_all (self->executor);
}

static void
ferry_demo_pictures_page_dispose (GObject *object)
{
  FerryDemoPicturesPage *self = FERRY_DEMO_PICTURES_PAGE (object);

  stop_looking (self);
  g_clear_object (&self->chooser);
  g_clear_object (&self->executor);
  G_OBJECT_CLASS (ferry_demo_pictures_page_parent_class)->dispose (object);
}

static void
ferry_demo_pictures_page_finalize (GObject *object)
{
  g_hash_table_unref (FERRY_DEMO_PICTURES_PAGE (object)->decodings);
  G_OBJECT_CLASS (ferry_demo_pictures_page_parent_class)->finalize (object);
}

static void
ferry_demo_pictures_page_class_init (FerryDemoPicturesPageClass *klass)
{
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  G_OBJECT_CLASS (klass)->dispose = ferry_demo_pictures_page_dispose;
  G_OBJECT_CLASS (klass)->finalize = ferry_demo_pictures_page_finalize;
  widget_class->map = ferry_demo_pictures_page_map;
  widget_class->unmap = ferry_demo_pictures_page_unmap;
  gtk_widget_class_set_template_from_resource (widget_class, "/org/ferryproject/Demo/ferry-demo-pictures-page.ui");
#define BIND(child) gtk_widget_class_bind_template_child (widget_class, FerryDemoPicturesPage, child)
  BIND (directory);
  BIND (filter);
  BIND (sorter);
  BIND (files);
  BIND (stack);
  BIND (status);
  BIND (open_button);
  BIND (again_button);
  BIND (folder_label);
  BIND (counts_label);
  BIND (popover);
  BIND (scrolled_window);
  BIND (shield);
  BIND (layers_label);
  gtk_widget_class_bind_template_callback (widget_class, moved_cb);
  gtk_widget_class_bind_template_callback (widget_class, show_state);
  gtk_widget_class_bind_template_callback (widget_class, setup_cb);
  gtk_widget_class_bind_template_callback (widget_class, bind_cb);
  gtk_widget_class_bind_template_callback (widget_class, unbind_cb);
  gtk_widget_class_install_action (widget_class, "pictures.again", NULL, decode_again);
  gtk_widget_class_install_action (widget_class, "pictures.crash", NULL, crash);
}

static void
ferry_demo_pictures_page_init (FerryDemoPicturesPage *self)
{
  self->decodings = g_hash_table_new_full (NULL, NULL, NULL, decoding_free);
  gtk_widget_init_template (GTK_WIDGET (self));
  gtk_custom_filter_set_filter_func (self->filter, is_picture, NULL, NULL);
  gtk_custom_sorter_set_sort_func (self->sorter, compare, NULL, NULL);
  ferry_sandbox_get_strength_async (NULL, strength_came, g_object_ref (self));
}

GtkWidget *
ferry_demo_pictures_page_new (FerryDemoSession *session)
{
  FerryDemoPicturesPage *self = g_object_new (FERRY_DEMO_TYPE_PICTURES_PAGE, NULL);
  g_autoptr (FerrySandbox) sandbox = create_sandbox ();

  self->max_workers = ferry_get_n_usable_cores ();
  self->executor = ferry_demo_session_add_executor (session, "pictures", sandbox, self->max_workers);
  /* What a task has given is in its tile. */
  g_object_set (self->executor, "keep-finished", 0, NULL);
  show_state (self);
  return GTK_WIDGET (self);
}
