BEGIN TRANSACTION;
CREATE TABLE batches (
    number integer primary key,
    name text not null,
    source text not null,
    digest text not null,
    stamp text not null,
    taken_at text not null,
    state text not null,
    reason text not null default '',
    numbers text not null default '{}',
    run_id text,
    version integer,
    attempts integer not null default 0,
    finished_at text,
    replaced_by integer
);
INSERT INTO "batches" VALUES(1,'monday','/inbox/monday','0123456789abcdef','stamp of monday','2026-11-25T22:10:55+00:00','pushed','''night'' +0.200, mean 0.8','{"night": {"asked": 30, "accuracy": 0.4}}','20240101-000000',2,0,'2026-11-25T22:10:55+00:00',NULL);
INSERT INTO "batches" VALUES(2,'tuesday','/inbox/tuesday','1111111111111111','stamp of tuesday','2026-11-25T22:10:55+00:00','rejected','domain ''night'': worse','{}','20240102-000000',NULL,0,'2026-11-25T22:10:55+00:00',3);
INSERT INTO "batches" VALUES(3,'tuesday','/inbox/tuesday','2222222222222222','second stamp of tuesday','2026-11-25T22:10:55+00:00','taken','','{}',NULL,NULL,0,NULL,NULL);
INSERT INTO "batches" VALUES(4,'copy of monday','/inbox/copy of monday','0123456789abcdef','stamp of the copy','2026-11-25T22:10:55+00:00','duplicate','the same pictures came as batch 1, monday','{}',NULL,NULL,0,'2026-11-25T22:10:55+00:00',NULL);
COMMIT;
