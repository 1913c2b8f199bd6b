//! As whom PostgreSQL runs: as this program's user, or as an unprivileged one where that is root.

use crate::error::Error;
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::path::Path;
use tokio::process::Command;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Account {
    pub name: String,
    pub uid: u32,
    pub gid: u32,
}

impl Account {
    /// Nobody else where this program is not root. Root takes the owner of a cluster that exists,
    /// else the user `postgres`, else `nobody`.
    pub(crate) fn for_cluster(cluster: &Path) -> Result<Option<Account>, Error> {
        if !rustix::process::geteuid().is_root() {
            return Ok(None);
        }
        let file = Path::new("/etc/passwd");
        let users = fs::read_to_string(file).map_err(Error::io("read", file))?;
        if let Ok(found) = fs::metadata(cluster)
            && found.uid() != 0
        {
            let (uid, gid) = (found.uid(), found.gid());
            let known = accounts(&users).find(|account| account.uid == uid);
            let name = known.map_or_else(|| uid.to_string(), |account| account.name);
            return Ok(Some(Account { name, uid, gid }));
        }
        let account = named("postgres", &users).or_else(|| named("nobody", &users));
        account.map(Some).ok_or(Error::NoAccount)
    }

    pub(crate) fn run(&self, command: &mut Command) {
        command.uid(self.uid).gid(self.gid);
    }

    pub(crate) fn own(&self, path: &Path) -> Result<(), Error> {
        chown(path, Some(self.uid), Some(self.gid)).map_err(Error::io("change the owner of", path))
    }

    /// Fails for the first folder on the way to `folder`, itself included, that bars this account.
    pub(crate) fn check_can_enter(&self, folder: &Path) -> Result<(), Error> {
        let mut way: Vec<&Path> = folder.ancestors().collect();
        way.reverse();
        for step in way {
            let found = fs::metadata(step).map_err(Error::io("look at", step))?;
            let mode = found.permissions().mode() & 0o777;
            let enter = if found.uid() == self.uid {
                0o100
            } else if found.gid() == self.gid {
                0o010
            } else {
                0o001
            };
            if mode & enter == 0 {
                let (folder, user) = (step.to_path_buf(), self.name.clone());
                return Err(Error::NotEnterable { folder, mode, user });
            }
        }
        Ok(())
    }
}

fn named(name: &str, passwd: &str) -> Option<Account> {
    accounts(passwd).find(|account| account.name == name)
}

fn accounts(passwd: &str) -> impl Iterator<Item = Account> + '_ {
    passwd.lines().filter_map(|line| {
        let fields: Vec<&str> = line.split(':').collect();
        let [name, _, uid, gid, ..] = fields[..] else { return None };
        let (uid, gid) = (uid.parse().ok()?, gid.parse().ok()?);
        Some(Account { name: name.to_owned(), uid, gid })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const PASSWD: &str = "root:x:0:0:root:/root:/bin/bash\n\
        broken line\n\
        nobody:x:65534:65533:nobody:/nonexistent:/usr/sbin/nologin\n";

    #[test]
    fn an_account_is_read_from_the_list_of_users() {
        let nobody = Account { name: "nobody".to_owned(), uid: 65534, gid: 65533 };
        assert_eq!(named("nobody", PASSWD), Some(nobody));
        assert_eq!(named("postgres", PASSWD), None);
    }

    #[test]
    fn a_barred_folder_on_the_way_is_named_with_its_mode() {
        let base = tempfile::tempdir().expect("a folder");
        let inner = base.path().join("inner");
        fs::create_dir(&inner).expect("a folder");
        fs::set_permissions(base.path(), fs::Permissions::from_mode(0o750)).expect("a mode");
        let stranger = Account { name: "stranger".to_owned(), uid: 4_000_000, gid: 4_000_000 };
        let error = stranger.check_can_enter(&inner).expect_err("the folder above bars strangers");
        let text = error.to_string();
        assert!(text.contains(&format!("{} (mode 750)", base.path().display())), "{text}");
        assert!(text.contains("stranger") && text.contains("chmod o+x"), "{text}");

        fs::set_permissions(base.path(), fs::Permissions::from_mode(0o711)).expect("a mode");
        stranger.check_can_enter(&inner).expect("all may enter now");
    }
}
